import { type Logger, randomBase36 } from '@halley/shared/ops';
import { type CommandClient, type DeadEdge, lookAtEdges, type Scripts } from '@halley/shared/redis';
import { Silences } from './silence.js';

const LOOK_INTERVAL_MS = 1_000;

/** Looks at the heartbeats of the edges, once a second, and says which edges are dead. */
export class EdgeWatch {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #silences: Silences;
  readonly #onDead: (dead: readonly DeadEdge[]) => void;
  readonly #log: Logger;
  readonly #observer = randomBase36(8);
  #timer: NodeJS.Timeout | null = null;
  #isLooking = false;
  #isRefused = false;

  /** @param onDead called at each look that finds dead edges, so with the same ones until they are swept */
  constructor(
    redis: CommandClient,
    scripts: Scripts,
    edgeDeadMs: number,
    onDead: (dead: readonly DeadEdge[]) => void,
    log: Logger,
  ) {
    this.#redis = redis;
    this.#scripts = scripts;
    this.#silences = new Silences(edgeDeadMs);
    this.#onDead = onDead;
    this.#log = log;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_INTERVAL_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    // The look that is still under way is too slow by itself.
    if (this.#isLooking) return;
    this.#isLooking = true;
    const startedMs = performance.now();
    try {
      if (this.#redis.status !== 'ready') throw new Error('Redis is away');
      const beats = await lookAtEdges(this.#scripts, this.#observer);
      this.#isRefused = false;
      const dead = this.#silences.looked(startedMs, performance.now(), beats);
      if (dead.length > 0) this.#onDead(dead);
    } catch (error) {
      this.#silences.missed();
      this.#tellRefused(error);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Of a Redis that is there, once: without looks no edge is ever found dead. */
  #tellRefused(error: unknown): void {
    if (this.#isRefused || this.#redis.status !== 'ready') return;
    this.#isRefused = true;
    this.#log.warn({ err: error }, 'the heartbeats of the edges cannot be looked at');
  }
}
