/**
 * The sharded subscriber: one plain connection per master, and none of ioredis' own resubscribing, which
 * storms healthy masters while one is dead and never says when it is done. A plain Redis and a Sentinel
 * group are the case of one master.
 */

import type { RedisAddress } from './address.js';
import { type CommandClient, createSubscriberConnection, whenReady } from './client.js';
import { ClusterWatch } from './cluster-watch.js';
import { groupBy } from './groups.js';
import { slotOfKey } from './keys.js';
import { isElsewhere, Link, type Standing } from './link.js';
import { type NodeAddress, OUR_SLOTS, type SlotRole, type Topology } from './topology.js';

const SINGLE_NODE = 'single';
/** Times that a subscription follows a slot which has moved. */
const MAX_ATTEMPTS = 3;

export interface SubscriberEvents {
  /** `payload` is only valid during the call: it lies in the connection's read buffer. */
  onMessage(channel: string, payload: Buffer): void;
  /**
   * These channels were without a subscription for a time and have it back. Messages may have been
   * missed: whoever cares reads what came in between.
   */
  onRestored(channels: readonly string[]): void;
  /** A connection was lost; its channels are deaf until `onRestored`. */
  onLost(): void;
}

export type { Standing } from './link.js';

export interface ProbePath {
  readonly channel: string;
  /** The connection that this channel's messages take. */
  readonly standing: Standing;
}

export class ShardSubscriber {
  readonly #address: RedisAddress;
  readonly #commands: CommandClient;
  readonly #events: SubscriberEvents;
  readonly #timeoutMs: number;
  readonly #links = new Map<string, Link>();
  readonly #wanted = new Map<number, Set<string>>();
  /** Null where one node has all slots. */
  readonly #watch: ClusterWatch | null;

  /** @param timeoutMs after which a Redis that does not answer a subscription counts as away */
  constructor(
    address: RedisAddress,
    commands: CommandClient,
    events: SubscriberEvents,
    timeoutMs: number,
  ) {
    this.#address = address;
    this.#commands = commands;
    this.#events = events;
    this.#timeoutMs = timeoutMs;
    const isCluster = address.kind === 'cluster';
    this.#watch = isCluster
      ? new ClusterWatch(address, commands, this.#links, (topology, moved) =>
          this.#follow(topology, moved),
        )
      : null;
  }

  /** Resolves when every master is connected. */
  async start(): Promise<void> {
    if (this.#watch === null) {
      this.#open(SINGLE_NODE, null).carry(new Map(OUR_SLOTS.map((slot) => [slot, 'owner'])));
    } else {
      await whenReady(this.#commands);
      await this.#watch.start();
    }
    await Promise.all([...this.#links.values()].map((link) => link.connected()));
  }

  stop(): void {
    this.#watch?.stop();
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  /** Every master that serves slots of ours is heard. */
  get isReady(): boolean {
    const owners = this.#watch?.topology.owners.values() ?? [SINGLE_NODE];
    const ids = new Set(owners);
    return ids.size > 0 && [...ids].every((id) => this.#links.get(id)?.isReady === true);
  }

  /** One channel per connection that stands: a probe that comes back over it proves the connection alive. */
  probes(candidates: readonly string[]): ProbePath[] {
    const byLink = new Map<Link, ProbePath>();
    for (const channel of candidates) {
      const slot = slotOfKey(channel);
      const link = this.#ownerOf(slot);
      if (link === null || link.standing === null || byLink.has(link)) continue;
      // What has a key in a slot that moves may answer from the other side.
      if (this.#importerOf(slot) !== null) continue;
      byLink.set(link, { channel, standing: link.standing });
    }
    return [...byLink.values()];
  }

  /**
   * Ends the connection that serves this channel; it comes back by itself and is repaired.
   * @param standing of the connection that is meant: the channel may have moved to another one meanwhile
   */
  reconnect(channel: string, standing?: Standing): void {
    const link = this.#ownerOf(slotOfKey(channel));
    if (standing === undefined || link?.standing === standing) link?.drop();
  }

  /**
   * Resolves when Redis has acknowledged: every message published from then on arrives.
   * @throws when the connection is away, lost meanwhile, or silent for too long; the channels are then
   *   not wanted any more
   */
  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#want(channel);
    const bySlot = groupBy(channels, slotOfKey);
    try {
      await Promise.all([...bySlot].map(([slot, some]) => this.#subscribeSlot(slot, some)));
    } catch (error) {
      // A Redis that was only slow subscribes them yet.
      this.unsubscribe(channels);
      throw error;
    }
  }

  /** The channels are let go at once; messages may still arrive for a moment. */
  unsubscribe(channels: readonly string[]): void {
    for (const [slot, some] of groupBy(channels, slotOfKey)) {
      const wanted = this.#wanted.get(slot);
      for (const channel of some) wanted?.delete(channel);
      if (wanted?.size === 0) this.#wanted.delete(slot);
      this.#ownerOf(slot)?.unsubscribe(some);
      this.#importerOf(slot)?.unsubscribe(some);
    }
  }

  #want(channel: string): void {
    const slot = slotOfKey(channel);
    const wanted = this.#wanted.get(slot) ?? new Set();
    this.#wanted.set(slot, wanted.add(channel));
  }

  async #subscribeSlot(slot: number, channels: readonly string[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const owner = this.#ownerOf(slot);
      if (owner === null || !owner.isReady) throw new Error('TRYAGAIN subscriber is away');
      try {
        await owner.subscribe(channels);
        break;
      } catch (error) {
        if (this.#watch === null || !isElsewhere(error) || attempt === MAX_ATTEMPTS) throw error;
        await this.#watch.look();
      }
    }
    const importer = this.#importerOf(slot);
    // Where this fails it is tried again with the next look at the cluster.
    if (importer?.isReady === true) await importer.subscribe(channels).catch(() => undefined);
  }

  #ownerOf(slot: number): Link | null {
    const id = this.#watch === null ? SINGLE_NODE : this.#watch.topology.owners.get(slot);
    return id === undefined ? null : (this.#links.get(id) ?? null);
  }

  #importerOf(slot: number): Link | null {
    const id = this.#watch?.topology.importers.get(slot);
    return id === undefined ? null : (this.#links.get(id) ?? null);
  }

  #open(id: string, node: NodeAddress | null): Link {
    const connection = createSubscriberConnection(this.#address, node, this.#timeoutMs);
    const link = new Link(connection, node, {
      onMessage: this.#events.onMessage,
      onRestored: this.#events.onRestored,
      channelsOf: (slot) => this.#wanted.get(slot) ?? [],
      onMoved: () => void this.#watch?.look(),
      onLost: () => {
        this.#events.onLost();
        void this.#watch?.look();
      },
    });
    this.#links.set(id, link);
    return link;
  }

  /** @param moved links that have lost subscriptions */
  #follow({ nodes, owners, importers }: Topology, moved: ReadonlySet<Link>): void {
    for (const [id, link] of this.#links) {
      const node = nodes.get(id);
      if (node?.host === link.node?.host && node?.port === link.node?.port) continue;
      link.close();
      this.#links.delete(id);
    }
    for (const [id, node] of nodes) {
      const slots = new Map<number, SlotRole>();
      for (const [slot, owner] of owners) if (owner === id) slots.set(slot, 'owner');
      for (const [slot, importer] of importers) if (importer === id) slots.set(slot, 'importer');
      const link = this.#links.get(id) ?? this.#open(id, node);
      link.carry(slots, moved.has(link));
    }
  }
}
