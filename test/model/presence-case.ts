/**
 * A few clients that come to and leave a few edges, while calls to Redis wait and get lost and edges are
 * killed, or declared dead though they live. In the end Redis must hold what is so.
 */

import { EdgeIdentity } from '@halley/edge/dist/broker/edge-identity.js';
import { RedisQueueStore } from '@halley/edge/dist/broker/queue-store.js';
import type { Presence } from '@halley/edge/dist/core/presence.js';
import { type CommandClient, clientKeys, type Scripts } from '@halley/shared/redis';
import type { Random } from '../kit/random.js';
import { type Faults, FaultyStore, HastyClock, turns } from './faulty-store.js';

/** The part of `Presence` that sessions use, and what a wrong one must offer too. */
export type PresenceRules = Pick<Presence, 'hold' | 'release' | 'register' | 'disown'>;
export type MakePresence = (store: FaultyStore, clock: HastyClock) => PresenceRules;

export interface PresenceWorld {
  readonly redis: CommandClient;
  readonly scripts: Scripts;
  readonly makePresence: MakePresence;
  readonly faults: Faults;
  /** Edges are killed and swept. */
  readonly hasDeaths: boolean;
}

export interface Outcome {
  /** Connected clients of which Redis does not know that the edge holds them. */
  readonly absent: number;
  /** Edges that Redis names for a client that they do not hold. */
  readonly stale: number;
  /** Connections that were there in the end. */
  readonly connected: number;
}

interface Session {
  readonly edge: ModelEdge;
  readonly clientId: string;
  isOpen: boolean;
}

const QUEUE_MS = 60_000;
const PRESENCE_HISTORY = { historySize: 1, historySeconds: 86_400 };
/** Turns without anything under way after which nothing more will come. */
const QUIET_TURNS = 5;

class ModelEdge {
  readonly identity = new EdgeIdentity();
  readonly store: FaultyStore;
  readonly clock: HastyClock;
  readonly presence: PresenceRules;
  readonly #world: PresenceWorld;

  constructor(world: PresenceWorld, random: Random) {
    this.#world = world;
    this.clock = new HastyClock(random);
    this.store = new FaultyStore(this.reliableStore(this.identity), random, world.faults);
    this.presence = world.makePresence(this.store, this.clock);
  }

  reliableStore(identity: EdgeIdentity): RedisQueueStore {
    const { redis, scripts } = this.#world;
    return new RedisQueueStore(redis, scripts, identity, QUEUE_MS, PRESENCE_HISTORY);
  }

  get isIdle(): boolean {
    return this.store.isIdle && this.clock.pending === 0;
  }
}

export class PresenceCase {
  readonly #world: PresenceWorld;
  readonly #random: Random;
  readonly #clients: readonly string[];
  readonly #edges: ModelEdge[];
  readonly #sessions = new Set<Session>();
  /** Sweeps and messages under way; what an edge does shows in its calls, and ends with it. */
  readonly #working = new Set<Promise<void>>();

  /** @param name keeps the clients of cases apart that run at the same time */
  constructor(world: PresenceWorld, random: Random, name: string) {
    this.#world = world;
    this.#random = random;
    this.#clients = Array.from({ length: random.int(1, 3) }, (_, index) => `${name}-${index}`);
    this.#edges = Array.from({ length: random.int(2, 3) }, () => new ModelEdge(world, random));
  }

  async run(): Promise<Outcome> {
    const steps: [number, () => void][] = [
      [40, () => this.#open()],
      [40, () => this.#close()],
      [5, () => this.#work(this.#sendPrivate())],
    ];
    if (this.#world.hasDeaths) {
      steps.push([2, () => this.#kill()], [2, () => this.#declareDead()]);
    }
    for (let left = this.#random.int(10, 50); left > 0; left -= 1) {
      this.#random.weighted(steps)();
      if (this.#random.chance(0.7)) await turns(this.#random.int(1, 6));
    }
    await this.#quiet();
    return this.#judge();
  }

  #open(): void {
    const edge = this.#random.pick(this.#edges);
    const session = { edge, clientId: this.#random.pick(this.#clients), isOpen: true };
    this.#sessions.add(session);
    edge.presence.hold(session.clientId);
    void this.#admit(session);
  }

  /** A session that cannot be registered is closed: its client will try again elsewhere. */
  async #admit(session: Session): Promise<void> {
    try {
      await session.edge.presence.register(session.clientId, null);
    } catch {
      this.#end(session);
    }
  }

  #close(): void {
    if (this.#sessions.size > 0) this.#end(this.#random.pick([...this.#sessions]));
  }

  #end(session: Session): void {
    if (!session.isOpen) return;
    session.isOpen = false;
    this.#sessions.delete(session);
    session.edge.presence.release(session.clientId);
  }

  /** Each edge that Redis names gets it; one that does not hold the client says so. */
  async #sendPrivate(): Promise<void> {
    const clientId = this.#random.pick(this.#clients);
    const named = await this.#namedFor(clientId);
    for (const edge of this.#edges) {
      if (named.includes(edge.identity.id) && !this.#holds(edge, clientId)) {
        edge.presence.disown(clientId);
      }
    }
  }

  #kill(): void {
    const [edge] = this.#edges.splice(this.#random.int(0, this.#edges.length - 1), 1);
    if (edge === undefined) return;
    edge.store.die();
    for (const session of this.#sessions) {
      if (session.edge === edge) this.#sessions.delete(session);
    }
    this.#edges.push(new ModelEdge(this.#world, this.#random));
    this.#work(this.#sweep(edge, edge.identity));
  }

  /** It was stopped for too long: it finds its tombstone, takes a new id, and registers everybody anew. */
  #declareDead(): void {
    const edge = this.#random.pick(this.#edges);
    const dead = Object.create(edge.identity, { id: { value: edge.identity.id } }) as EdgeIdentity;
    this.#work(this.#sweep(edge, dead));
    edge.identity.renew();
    for (const clientId of this.#clients) {
      if (this.#holds(edge, clientId)) void this.#reassert(edge, clientId);
    }
  }

  async #reassert(edge: ModelEdge, clientId: string): Promise<void> {
    while (this.#holds(edge, clientId)) {
      try {
        await edge.presence.register(clientId, null);
        return;
      } catch {
        await turns(1);
      }
    }
  }

  /** Once, and once more when no late call of the dead edge can land any more. */
  async #sweep(edge: ModelEdge, dead: EdgeIdentity): Promise<void> {
    const store = edge.reliableStore(dead);
    for (const clientId of this.#clients) await store.disconnect(clientId);
    await edge.store.landed();
    for (const clientId of this.#clients) await store.disconnect(clientId);
  }

  #work(work: Promise<void>): void {
    this.#working.add(work);
    void work.finally(() => this.#working.delete(work));
  }

  async #quiet(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
      const isBusy = this.#working.size > 0 || this.#edges.some((edge) => !edge.isIdle);
      if (isBusy) quiet = 0;
      await turns(1);
    }
  }

  async #judge(): Promise<Outcome> {
    let absent = 0;
    let stale = 0;
    for (const clientId of this.#clients) {
      const named = await this.#namedFor(clientId);
      const holders = this.#edges
        .filter((edge) => this.#holds(edge, clientId))
        .map((edge) => edge.identity.id);
      absent += holders.filter((id) => !named.includes(id)).length;
      stale += named.filter((id) => !holders.includes(id)).length;
    }
    return { absent, stale, connected: this.#sessions.size };
  }

  #holds(edge: ModelEdge, clientId: string): boolean {
    return [...this.#sessions].some(
      (session) => session.edge === edge && session.clientId === clientId,
    );
  }

  async #namedFor(clientId: string): Promise<string[]> {
    const list = await this.#world.redis.hget(clientKeys(clientId).presence, clientId);
    return list === null || list === '' ? [] : list.split(',');
  }
}
