/**
 * The sharded subscriber: one plain connection per master, and none of ioredis' own resubscribing, which
 * storms healthy masters while one is dead and never says when it is done. A plain Redis and a Sentinel
 * group are the case of one master.
 */

import type { Redis } from 'ioredis';
import type { RedisAddress } from './address.js';
import { type CommandClient, createSubscriberConnection, whenReady } from './client.js';
import { chunks, groupBy } from './groups.js';
import { slotOfKey } from './keys.js';

/** Channels of one SSUBSCRIBE; longer commands hold up the node. */
const BATCH_MAX_CHANNELS = 512;
const TOPOLOGY_REFRESH_MS = 5_000;
const SINGLE_NODE = 'single';

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

/** One life of a connection. */
export interface Standing {
  readonly isOver: boolean;
}

export interface ProbePath {
  readonly channel: string;
  /** The connection that this channel's messages take. */
  readonly standing: Standing;
}

interface Node {
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/** First slot, last slot, node that serves them. */
type SlotRange = readonly [number, number, Node];

export class ShardSubscriber {
  readonly #address: RedisAddress;
  readonly #commands: CommandClient;
  readonly #events: SubscriberEvents;
  readonly #timeoutMs: number;
  readonly #links = new Map<string, Link>();
  readonly #wanted = new Set<string>();
  #ranges: readonly SlotRange[] = [];
  #refresh: NodeJS.Timeout | null = null;

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
  }

  /** Resolves when every master is connected. */
  async start(): Promise<void> {
    if (this.#address.kind === 'cluster') {
      await whenReady(this.#commands);
      this.#ranges = await readTopology(this.#commands);
      this.#openMissing();
      this.#refresh = setInterval(() => void this.#refreshTopology(), TOPOLOGY_REFRESH_MS).unref();
    } else {
      this.#open(SINGLE_NODE, null);
    }
    await Promise.all([...this.#links.values()].map((link) => link.connected()));
  }

  stop(): void {
    if (this.#refresh !== null) clearInterval(this.#refresh);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  get isReady(): boolean {
    return this.#links.size > 0 && [...this.#links.values()].every((link) => link.isReady);
  }

  /** One channel per connection that stands: a probe that comes back over it proves the connection alive. */
  probes(candidates: readonly string[]): ProbePath[] {
    const byLink = new Map<Link, ProbePath>();
    for (const channel of candidates) {
      const link = this.#linkOf(channel);
      if (link === null || link.standing === null || byLink.has(link)) continue;
      byLink.set(link, { channel, standing: link.standing });
    }
    return [...byLink.values()];
  }

  /** Ends the connection that serves this channel; it comes back by itself and is repaired. */
  reconnect(channel: string): void {
    this.#linkOf(channel)?.drop();
  }

  /**
   * Resolves when Redis has acknowledged: every message published from then on arrives.
   * @throws when the connection is away, lost meanwhile, or silent for too long; the channels are then
   *   not wanted any more
   */
  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.#wanted.add(channel);
    try {
      await Promise.all(
        [...this.#byLink(channels)].map(([link, some]) => {
          if (link === null || !link.isReady) throw new Error('TRYAGAIN subscriber is away');
          return link.subscribe(some);
        }),
      );
    } catch (error) {
      // A Redis that was only slow subscribes them yet.
      this.unsubscribe(channels);
      throw error;
    }
  }

  /** The channels are let go at once; messages may still arrive for a moment. */
  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.#wanted.delete(channel);
    for (const [link, some] of this.#byLink(channels)) link?.unsubscribe(some);
  }

  #byLink(channels: readonly string[]): Map<Link | null, string[]> {
    return groupBy(channels, (channel) => this.#linkOf(channel));
  }

  #linkOf(channel: string): Link | null {
    if (this.#address.kind !== 'cluster') return this.#links.get(SINGLE_NODE) ?? null;
    const slot = slotOfKey(channel);
    const range = this.#ranges.find(([first, last]) => slot >= first && slot <= last);
    return range === undefined ? null : (this.#links.get(range[2].id) ?? null);
  }

  #open(id: string, node: Node | null): void {
    const connection = createSubscriberConnection(this.#address, node, this.#timeoutMs);
    const link = new Link(connection, {
      onMessage: this.#events.onMessage,
      onLost: () => {
        this.#events.onLost();
        if (node !== null) void this.#refreshTopology();
      },
      onConnected: () => this.#restore(link),
      onMoved: () => void this.#refreshTopology(),
    });
    this.#links.set(id, link);
  }

  async #restore(link: Link): Promise<void> {
    const channels = [...this.#wanted].filter((channel) => this.#linkOf(channel) === link);
    if (channels.length === 0) return;
    await link.subscribe(channels);
    this.#events.onRestored(channels);
  }

  /** @returns the masters by id; each has a link now */
  #openMissing(): ReadonlyMap<string, Node> {
    const nodes = new Map(this.#ranges.map(([, , node]) => [node.id, node]));
    for (const [id, node] of nodes) if (!this.#links.has(id)) this.#open(id, node);
    return nodes;
  }

  /** Masters and slots as the cluster has them now; channels whose master changed are moved over. */
  async #refreshTopology(): Promise<void> {
    const ranges = await readTopology(this.#commands).catch(() => null);
    if (ranges === null) return;
    const before = new Map([...this.#wanted].map((channel) => [channel, this.#linkOf(channel)]));
    this.#ranges = ranges;
    const nodes = this.#openMissing();
    for (const [id, link] of this.#links) {
      if (nodes.has(id)) continue;
      link.close();
      this.#links.delete(id);
    }
    const moved = [...this.#wanted].filter((channel) => {
      const link = this.#linkOf(channel);
      return link?.isReady === true && before.get(channel) !== link;
    });
    for (const [link, channels] of this.#byLink(moved)) {
      await link?.subscribe(channels).then(
        () => this.#events.onRestored(channels),
        () => link.drop(),
      );
    }
  }
}

interface LinkEvents {
  onMessage(channel: string, payload: Buffer): void;
  onLost(): void;
  onConnected(): Promise<void>;
  onMoved(): void;
}

/** One connection; ready once what it has to carry is acknowledged by Redis. */
class Link {
  readonly #redis: Redis;
  readonly #events: LinkEvents;
  #standing: { isOver: boolean } | null = null;
  #waiting: (() => void)[] = [];

  constructor(redis: Redis, events: LinkEvents) {
    this.#redis = redis;
    this.#events = events;
    redis.on('smessageBuffer', (channel: Buffer, payload: Buffer) =>
      events.onMessage(channel.toString('utf8'), payload),
    );
    redis.on('ready', () => {
      events.onConnected().then(
        () => this.#becomeReady(),
        () => this.drop(),
      );
    });
    redis.on('close', () => this.#lose());
    redis.on('moved', events.onMoved);
    // Every failure shows as a close; ioredis would log each one as unhandled.
    redis.on('error', () => undefined);
    redis.connect().catch(() => undefined);
  }

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

  /** In batches of one slot, each awaited. */
  async subscribe(channels: readonly string[]): Promise<void> {
    for (const batch of batchesBySlot(channels)) await this.#redis.ssubscribe(...batch);
  }

  unsubscribe(channels: readonly string[]): void {
    if (!this.isReady) return;
    for (const batch of batchesBySlot(channels)) {
      this.#redis.sunsubscribe(...batch).catch(() => undefined);
    }
  }

  #becomeReady(): void {
    // It may have been lost again while what it carries was subscribed.
    if (this.#redis.status !== 'ready') return;
    this.#standing = { isOver: false };
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Ends the connection; it comes back by itself. */
  drop(): void {
    // Its close comes later: nothing may be expected of it until then.
    this.#lose();
    this.#redis.disconnect(true);
  }

  #lose(): void {
    if (this.#standing === null) return;
    this.#standing.isOver = true;
    this.#standing = null;
    this.#events.onLost();
  }

  close(): void {
    this.#redis.disconnect(false);
  }
}

function batchesBySlot(channels: readonly string[]): string[][] {
  const bySlot = groupBy(channels, slotOfKey);
  return [...bySlot.values()].flatMap((some) => chunks(some, BATCH_MAX_CHANNELS));
}

type SlotsReply = [number, number, [string, number, string], ...unknown[]][];

async function readTopology(commands: CommandClient): Promise<SlotRange[]> {
  const reply = (await commands.call('CLUSTER', 'SLOTS')) as SlotsReply;
  return reply.map(([first, last, [host, port, id]]) => [first, last, { id, host, port }]);
}
