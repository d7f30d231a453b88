import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@halley/shared/ops';
import {
  ALL_EDGES_CHANNEL,
  abandonHeartbeat,
  type CommandClient,
  channelKeys,
  edgeChannels,
  partitionOfChannel,
  partitionOfClient,
  type ShardSubscriber,
} from '@halley/shared/redis';
import type { Edge } from '../core/edge.js';
import type { EdgeIdentity } from './edge-identity.js';
import { readTops } from './repair.js';
import type { RevocationFeed } from './revocation-feed.js';

/** How often everything is registered again, in case that Redis lost it without a sign. */
const REASSERT_INTERVAL_MS = 3_600_000;
const RETRY_MS = 1_000;

/** Keeps what an edge has and what Redis has of it the same, through losses on either side. */
export class Upkeep {
  readonly #redis: CommandClient;
  readonly #subscriber: ShardSubscriber;
  readonly #edge: Edge;
  readonly #feed: RevocationFeed;
  readonly #identity: EdgeIdentity;
  readonly #log: Logger;
  readonly #reassert = () => this.#reassertAll();
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(
    redis: CommandClient,
    subscriber: ShardSubscriber,
    edge: Edge,
    feed: RevocationFeed,
    identity: EdgeIdentity,
    log: Logger,
  ) {
    this.#redis = redis;
    this.#subscriber = subscriber;
    this.#edge = edge;
    this.#feed = feed;
    this.#identity = identity;
    this.#log = log;
  }

  /** Resolves when private messages and control reach this edge. */
  async start(): Promise<void> {
    await this.#subscriber.subscribe([...edgeChannels(this.#identity.id), ALL_EDGES_CHANNEL]);
    // The first `ready` is over: each further one means that calls may have been lost.
    this.#redis.on('ready', this.#reassert);
    this.#timer = setInterval(this.#reassert, REASSERT_INTERVAL_MS).unref();
  }

  stop(): void {
    this.#isStopped = true;
    this.#redis.off('ready', this.#reassert);
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** These pub/sub channels were deaf: revocations first, then queues, then channels. */
  async restored(deaf: readonly string[]): Promise<void> {
    try {
      await this.#feed.reload();
      const channels = new Set(deaf);
      const own = edgeChannels(this.#identity.id).map((channel) => channels.has(channel));
      const isOfClient = (clientId: string) => own[partitionOfClient(clientId)] === true;
      this.#edge.clients.reassert(isOfClient);
      // No other sign tells that one master of a Cluster was replaced by a replica that lacks something.
      if (this.#redis.isCluster) {
        const isOfChannel = (name: string) => own[partitionOfChannel(name)] === true;
        this.#edge.services.presence.reassert(isOfClient);
        this.#edge.members.reassert(isOfChannel);
        this.#edge.channels.reassert(isOfChannel);
      }
      const names = [...this.#edge.channels.values()]
        .map((channel) => channel.name)
        .filter((name) => channels.has(channelKeys(name).live));
      this.#edge.channels.repair(await readTops(this.#redis, names));
    } catch (error) {
      this.#log.warn({ err: error }, 'the repair failed and is tried again');
      setTimeout(() => void this.restored(deaf), RETRY_MS).unref();
    }
  }

  /** Swept while it lived: the old id stays dead, and everything is registered under a new one. */
  async buried(): Promise<void> {
    const buried = this.#identity.id;
    this.#identity.renew();
    this.#log.warn(
      { buried, edgeId: this.#identity.id },
      'declared dead: this edge takes a new id',
    );
    await this.#subscribeOwn();
    this.#reassertAll();
    this.#subscriber.unsubscribe(edgeChannels(buried));
    // Lost, the listed heartbeat ends by itself, and the beat that met the tombstone has written the other.
    await abandonHeartbeat(this.#redis, buried).catch(() => undefined);
  }

  /** Redis lost its data while the connection stood. */
  forgotten(): void {
    this.#log.warn('Redis does not know this edge any more: everything is registered again');
    this.#reassertAll();
  }

  /** Takes everything of this edge out of Redis. @throws where something may be left there */
  async letGo(): Promise<void> {
    const { members, channels, services } = this.#edge;
    const failures: unknown[] = [];
    const steps = [
      () => members.flush(),
      () => services.presence.flush(),
      () => channels.closeAll(),
    ];
    for (const step of steps) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  /** Until it is done: what cost the edge its life may have cost it the subscriber connection too. */
  async #subscribeOwn(): Promise<void> {
    const channels = edgeChannels(this.#identity.id);
    while (!this.#isStopped) {
      try {
        await this.#subscriber.subscribe(channels);
        return;
      } catch (error) {
        this.#log.warn({ err: error }, 'the new id is not heard yet');
        await pause(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  #reassertAll(): void {
    this.#edge.clients.reassert();
    this.#edge.services.presence.reassert();
    this.#edge.members.reassert();
    this.#edge.channels.reassert();
  }
}
