import { randomBase36 } from '@halley/shared/ops';
import {
  type CommandClient,
  edgeChannels,
  probeKey,
  type Scripts,
  type ShardSubscriber,
} from '@halley/shared/redis';
import type { EdgeIdentity } from './edge-identity.js';

const PROBE_INTERVAL_MS = 2_000;
/** Silence after which a connection counts as deaf. */
const DEAF_AFTER_MS = 5_000;

/**
 * Proves every subscriber connection alive by sending a nonce the way that messages take. A connection
 * can stay open and deliver nothing; only this shows it.
 */
export class Probe {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #subscriber: ShardSubscriber;
  readonly #edge: EdgeIdentity;
  readonly #awaited = new Map<string, { readonly channel: string; readonly sinceMs: number }>();
  #timer: NodeJS.Timeout | null = null;
  #isProved = false;
  readonly #onDeaf: () => void;

  constructor(
    redis: CommandClient,
    scripts: Scripts,
    subscriber: ShardSubscriber,
    edge: EdgeIdentity,
    onDeaf: () => void,
  ) {
    this.#redis = redis;
    this.#scripts = scripts;
    this.#subscriber = subscriber;
    this.#edge = edge;
    this.#onDeaf = onDeaf;
  }

  /** Every connection has answered its last probe. */
  get isProved(): boolean {
    return this.#isProved;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), PROBE_INTERVAL_MS).unref();
    this.#tick();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  answered(nonce: string): void {
    if (this.#awaited.delete(nonce) && this.#awaited.size === 0) this.#isProved = true;
  }

  #tick(): void {
    const nowMs = Date.now();
    for (const [nonce, { channel, sinceMs }] of this.#awaited) {
      if (nowMs - sinceMs < DEAF_AFTER_MS) continue;
      this.#awaited.delete(nonce);
      this.#isProved = false;
      this.#onDeaf();
      this.#subscriber.reconnect(channel);
    }
    const candidates = edgeChannels(this.#edge.id);
    for (const channel of this.#subscriber.probes(candidates)) {
      void this.#send(channel, candidates.indexOf(channel));
    }
  }

  async #send(channel: string, partition: number): Promise<void> {
    const nonce = randomBase36(12);
    this.#awaited.set(nonce, { channel, sinceMs: Date.now() });
    try {
      await this.#scripts.run('probe', [probeKey(partition)], [channel, `probe ${nonce}`]);
    } catch {
      // Nothing was sent that could come back: this says nothing about the subscriber.
      this.#awaited.delete(nonce);
      this.#isProved = this.#isProved && this.#redis.status === 'ready';
    }
  }
}
