import { later, type Timings } from './timings.js';

export interface LivenessEvents {
  /** Ask for a sign of life. */
  ping(): void;
  /** None came. */
  onDead(): void;
}

/** Notices a connection that stands and carries nothing. */
export class Liveness {
  readonly #events: LivenessEvents;
  readonly #timings: Timings;
  readonly #intervalMs: number;
  #lastMs = Date.now();
  #isHeard = true;
  #cancel: () => void = () => undefined;

  /** @param intervalMs of silence after which a sign of life is asked for */
  constructor(intervalMs: number, timings: Timings, events: LivenessEvents) {
    this.#intervalMs = intervalMs;
    this.#timings = timings;
    this.#events = events;
    this.#watch();
  }

  /** Something came. */
  alive(): void {
    this.#lastMs = Date.now();
    this.#isHeard = true;
  }

  /** The page, or the machine, may have slept: what stands may be dead for long. */
  wake(): void {
    this.#ask(this.#timings.wakePongMs);
  }

  stop(): void {
    this.#cancel();
  }

  #watch(): void {
    const silentMs = Date.now() - this.#lastMs;
    this.#cancel();
    this.#cancel = later(Math.max(0, this.#intervalMs - silentMs), () => {
      if (Date.now() - this.#lastMs < this.#intervalMs) this.#watch();
      else this.#ask(this.#timings.pongMs);
    });
  }

  #ask(limitMs: number): void {
    this.#isHeard = false;
    this.#cancel();
    this.#cancel = later(limitMs, () => {
      if (this.#isHeard) this.#watch();
      else this.#events.onDead();
    });
    this.#events.ping();
  }
}
