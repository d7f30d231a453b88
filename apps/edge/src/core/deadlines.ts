/** Something that is due at a time, unless that is put off. */
export interface Deadline {
  /** On the clock of the deadlines. */
  dueAtMs: number;
  /** May set another time. */
  due(nowMs: number): void;
}

const TICK_MS = 250;

/** Deadlines of many connections under one timer: a timer for each would cost more than the rest of it. */
export class Deadlines {
  readonly #pending = new Set<Deadline>();
  /** As unix ms it would be an object of its own in each connection. */
  readonly #startMs = Date.now();
  /** Since the start, as of the last tick: near enough to put a deadline off. */
  nowMs = 0;

  add(deadline: Deadline): void {
    this.#pending.add(deadline);
  }

  remove(deadline: Deadline): void {
    this.#pending.delete(deadline);
  }

  /** @returns how to stop */
  start(): () => void {
    const timer = setInterval(() => this.#tick(), TICK_MS).unref();
    return () => clearInterval(timer);
  }

  #tick(): void {
    this.nowMs = Date.now() - this.#startMs;
    for (const deadline of this.#pending) {
      if (deadline.dueAtMs <= this.nowMs) deadline.due(this.nowMs);
    }
  }
}
