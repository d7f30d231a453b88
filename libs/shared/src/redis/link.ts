/** One subscriber connection: it carries the channels of some slots and knows when all of them are heard. */

import type { Redis } from 'ioredis';
import { chunks, groupBy } from './groups.js';
import { slotOfKey } from './keys.js';
import type { NodeAddress, SlotRole } from './topology.js';

/** Channels of one SSUBSCRIBE; longer commands hold up the node. */
const BATCH_MAX_CHANNELS = 512;
/** A server that hangs is noticed by what it does not answer. */
const PING_INTERVAL_MS = 2_000;
/** Another node has the slot, or is not sure yet: the next look at the cluster tells. */
const ELSEWHERE = /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/;

export interface LinkEvents {
  onMessage(channel: string, payload: Buffer): void;
  onLost(): void;
  /** Redis took subscriptions away, or refused some: slots have moved. */
  onMoved(): void;
  /** These were without a subscription here and have one now. */
  onRestored(channels: readonly string[]): void;
  channelsOf(slot: number): Iterable<string>;
}

/** One life of a connection. */
export interface Standing {
  readonly isOver: boolean;
}

export class Link {
  /** Null where the address does not name a node. */
  readonly node: NodeAddress | null;
  readonly #redis: Redis;
  readonly #events: LinkEvents;
  #slots: ReadonlyMap<number, SlotRole> = new Map();
  /** Slots whose channels have to be subscribed. */
  readonly #due = new Set<number>();
  /** Slots that the node has refused: asked again when the cluster was looked at. */
  readonly #refused = new Set<number>();
  /** Signs that subscriptions are gone, since the last look at the cluster. */
  #moves = 0;
  #isWorking = false;
  /** Null while there is no connection; a new object for each. */
  #life: object | null = null;
  #standing: { isOver: boolean } | null = null;
  #waiting: (() => void)[] = [];
  readonly #ping: NodeJS.Timeout;

  constructor(redis: Redis, node: NodeAddress | null, events: LinkEvents) {
    this.#redis = redis;
    this.node = node;
    this.#events = events;
    redis.on('smessageBuffer', (channel: Buffer, payload: Buffer) =>
      events.onMessage(channel.toString('utf8'), payload),
    );
    redis.on('ready', () => this.#begin());
    redis.on('close', () => this.#end());
    redis.on('moved', () => {
      this.#moves += 1;
      events.onMoved();
    });
    // Every failure shows as a close; ioredis would log each one as unhandled.
    redis.on('error', () => undefined);
    redis.connect().catch(() => undefined);
    this.#ping = setInterval(() => {
      if (this.#life !== null) redis.ping().catch(() => undefined);
    }, PING_INTERVAL_MS).unref();
  }

  /** Connected, and what it had to carry then is subscribed. */
  get isReady(): boolean {
    return this.#standing !== null;
  }

  get standing(): Standing | null {
    return this.#standing;
  }

  connected(): Promise<void> {
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** True, once, if Redis has taken subscriptions away since this was last asked. */
  takeMoves(): boolean {
    const hasMoved = this.#moves > 0;
    this.#moves = 0;
    return hasMoved;
  }

  /**
   * What it carries from now on; what is new is subscribed and reported as restored.
   * @param hasMoved subscriptions are gone; if no slot is, it went and came back, and all are asked anew
   */
  carry(slots: ReadonlyMap<number, SlotRole>, hasMoved = false): void {
    const isLost = [...this.#slots.keys()].some((slot) => !slots.has(slot));
    for (const [slot, role] of slots) {
      const isNew = this.#slots.get(slot) !== role || this.#refused.has(slot);
      if (isNew || (hasMoved && !isLost)) this.#due.add(slot);
    }
    this.#refused.clear();
    this.#slots = slots;
    void this.#subscribeDue();
  }

  /** @returns the reply of CLUSTER NODES. @throws whatever ioredis throws */
  async nodes(): Promise<string> {
    return String(await this.#redis.call('CLUSTER', 'NODES'));
  }

  /**
   * Resolves when Redis has acknowledged. @throws whatever ioredis throws
   * @param channels of any slots that it carries
   */
  async subscribe(channels: readonly string[]): Promise<void> {
    for (const batch of batchesBySlot(channels)) {
      const moves = this.#moves;
      try {
        await this.#send('ssubscribe', batch);
      } catch (error) {
        // The refusal itself counts as no sign that others are gone.
        if (isElsewhere(error)) this.#moves = Math.min(this.#moves, moves);
        throw error;
      }
    }
  }

  unsubscribe(channels: readonly string[]): void {
    if (!this.isReady) return;
    for (const batch of batchesBySlot(channels)) {
      this.#send('sunsubscribe', batch).catch(() => undefined);
    }
  }

  /** Ends the connection; it comes back by itself. */
  drop(): void {
    // Its close comes later: nothing may be expected of it until then.
    this.#end();
    this.#redis.disconnect(true);
  }

  close(): void {
    clearInterval(this.#ping);
    this.#redis.disconnect(false);
  }

  #send(command: 'ssubscribe' | 'sunsubscribe', batch: readonly string[]): Promise<unknown> {
    const [first = ''] = batch;
    if (this.#slots.get(slotOfKey(first)) === 'importer') {
      // It holds for the next command alone, which follows in the same turn.
      this.#redis.call('ASKING').catch(() => undefined);
    }
    return this.#redis[command](...batch);
  }

  #begin(): void {
    this.#life = {};
    for (const slot of this.#slots.keys()) this.#due.add(slot);
    void this.#subscribeDue();
  }

  #end(): void {
    this.#life = null;
    this.#moves = 0;
    if (this.#standing === null) return;
    this.#standing.isOver = true;
    this.#standing = null;
    this.#events.onLost();
  }

  async #subscribeDue(): Promise<void> {
    const life = this.#life;
    if (life === null || this.#isWorking) return;
    this.#isWorking = true;
    try {
      do {
        const restored: string[] = [];
        for (const slot of this.#due) restored.push(...(await this.#subscribeSlot(slot)));
        if (this.#life === life && restored.length > 0) this.#events.onRestored(restored);
      } while (this.#life === life && this.#due.size > 0);
      if (this.#life === life) this.#becomeReady();
    } catch {
      if (this.#life === life) this.drop();
    }
    this.#isWorking = false;
    // It was lost and came back while a call of its last life had not failed yet.
    if (this.#life !== null && this.#life !== life) void this.#subscribeDue();
  }

  async #subscribeSlot(slot: number): Promise<readonly string[]> {
    this.#due.delete(slot);
    const channels = this.#slots.has(slot) ? [...this.#events.channelsOf(slot)] : [];
    try {
      await this.subscribe(channels);
      return channels;
    } catch (error) {
      if (!isElsewhere(error)) throw error;
      this.#refused.add(slot);
      return [];
    }
  }

  #becomeReady(): void {
    this.#standing ??= { isOver: false };
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The node answered that the slot is not, or not wholly, its own. */
export function isElsewhere(error: unknown): boolean {
  return error instanceof Error && ELSEWHERE.test(error.message);
}

function batchesBySlot(channels: readonly string[]): string[][] {
  const bySlot = groupBy(channels, slotOfKey);
  return [...bySlot.values()].flatMap((some) => chunks(some, BATCH_MAX_CHANNELS));
}
