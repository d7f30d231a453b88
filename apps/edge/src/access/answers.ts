import type { RawJson } from '@halley/shared/protocol';

/** What a backend has decided. */
export interface Answer {
  readonly allow: boolean;
  /** Unix ms until which it holds. */
  readonly untilMs: number;
  /** JSON text shown to the other members of the channel. */
  readonly info: RawJson | null;
}

/** About 20 MB. */
export const ANSWERS_MAX = 50_000;

/** Answers of backends for as long as they hold, the least recently used dropped first. */
export class Answers {
  readonly #answers = new Map<string, Answer>();
  readonly #max: number;

  constructor(max = ANSWERS_MAX) {
    this.#max = max;
  }

  get size(): number {
    return this.#answers.size;
  }

  get(key: string, nowMs: number): Answer | null {
    const found = this.#answers.get(key);
    if (found === undefined) return null;
    // A Map keeps the order of insertion: put back, it is the newest.
    this.#answers.delete(key);
    if (found.untilMs <= nowMs) return null;
    this.#answers.set(key, found);
    return found;
  }

  set(key: string, answer: Answer): void {
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    if (this.#answers.size <= this.#max) return;
    const oldest = this.#answers.keys().next();
    if (oldest.done !== true) this.#answers.delete(oldest.value);
  }
}
