import { randomBase36 } from '../ops/id.js';
import type { CommandClient } from './client.js';
import { probeKey } from './keys.js';
import type { Scripts } from './scripts.js';
import type { ProbePath, ShardSubscriber } from './subscriber.js';

/** What the header of a probe begins with; the rest of it is the nonce. */
export const PROBE_MARK = 'probe ';
const PROBE_INTERVAL_MS = 2_000;
/**
 * Ticks without the answer to a probe that Redis has sent, after which a connection counts as deaf: 4 to 6 s.
 * Not time: a process that stood still for long has one tick, and then reads what waits for it.
 */
const DEAF_AFTER_TICKS = 3;

interface Question {
  readonly path: ProbePath;
  /** Since Redis has sent it; a Redis that is slow says nothing about the subscriber. */
  ticks: number;
  isSent: boolean;
}

/**
 * Proves every subscriber connection alive by sending a nonce the way that messages take. A connection
 * can stay open and deliver nothing; only this shows it.
 */
export class Probe {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #subscriber: ShardSubscriber;
  readonly #candidates: () => readonly string[];
  readonly #awaited = new Map<string, Question>();
  #timer: NodeJS.Timeout | null = null;
  #isProved = false;

  /** @param candidates pub/sub channels that are subscribed to; one for each connection is enough */
  constructor(
    redis: CommandClient,
    scripts: Scripts,
    subscriber: ShardSubscriber,
    candidates: () => readonly string[],
  ) {
    this.#redis = redis;
    this.#scripts = scripts;
    this.#subscriber = subscriber;
    this.#candidates = candidates;
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
    for (const [nonce, awaited] of this.#awaited) {
      const { path, isSent } = awaited;
      if (isSent) awaited.ticks += 1;
      // What was on its way over a connection that has ended says nothing about the one after it.
      if (path.standing.isOver) this.#awaited.delete(nonce);
      else if (awaited.ticks >= DEAF_AFTER_TICKS) {
        this.#awaited.delete(nonce);
        this.#isProved = false;
        this.#subscriber.reconnect(path.channel, path.standing);
      }
    }
    for (const path of this.#subscriber.probes(this.#candidates())) void this.#send(path);
  }

  async #send(path: ProbePath): Promise<void> {
    const { channel } = path;
    const nonce = randomBase36(12);
    const awaited: Question = { path, ticks: 0, isSent: false };
    this.#awaited.set(nonce, awaited);
    try {
      await this.#scripts.run('probe', [probeKey(channel)], [channel, `${PROBE_MARK}${nonce}`]);
      awaited.isSent = true;
    } catch {
      // Nothing was sent that could come back: this says nothing about the subscriber.
      this.#awaited.delete(nonce);
      this.#isProved = this.#isProved && this.#redis.status === 'ready';
    }
  }
}
