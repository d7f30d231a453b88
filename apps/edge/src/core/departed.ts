/** A replica that takes over lacks what its master did in its last seconds. */
const DEPARTED_MS = 60_000;
/** Of each of the two generations. */
const DEPARTED_MAX = 10_000;

/**
 * Who has left lately: what Redis has answered about it may be lost, and then it is said again. Kept in two
 * generations, of which the elder is dropped whole: a map that loses its oldest entry each time walks over
 * the places of all that it has lost.
 */
export class Departed<T> {
  /** When, unix ms. */
  #times = new Map<T, number>();
  #elder = new Map<T, number>();
  #begunMs = 0;

  note(item: T, nowMs: number): void {
    if (this.#times.size >= DEPARTED_MAX || nowMs - this.#begunMs >= DEPARTED_MS) {
      this.#elder = this.#times;
      this.#times = new Map();
      this.#begunMs = nowMs;
    }
    this.#times.set(item, nowMs);
  }

  lately(nowMs: number): T[] {
    const all = [...new Map([...this.#elder, ...this.#times])];
    return all.filter(([, atMs]) => nowMs - atMs <= DEPARTED_MS).map(([item]) => item);
  }
}
