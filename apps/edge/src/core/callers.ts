import { Usage } from './rate-limit.js';

/** Callers of one moment that are told apart; beyond them all share one account. */
const CALLERS_MAX = 100_000;

/** By its name, or by its address as a number. */
export type Caller = string | number;

/** What callers have used who have no connection that lasts: each request of theirs is one. */
export class Callers {
  readonly #usages = new Map<Caller, Usage>();
  readonly #others = new Usage();

  get size(): number {
    return this.#usages.size;
  }

  usageOf(caller: Caller): Usage {
    let usage = this.#usages.get(caller);
    if (usage !== undefined) return usage;
    if (this.#usages.size >= CALLERS_MAX) return this.#others;
    usage = new Usage();
    this.#usages.set(caller, usage);
    return usage;
  }

  /** Forgets who has nothing to wait for. */
  sweep(nowMs: number): void {
    for (const [caller, usage] of this.#usages) {
      if (usage.isOver(nowMs)) this.#usages.delete(caller);
    }
  }
}
