/** A replica that takes over lacks what its master did in its last seconds. */
const DEPARTED_MS = 60_000;
const DEPARTED_MAX = 10_000;

/** Who has left lately: what Redis has answered about it may be lost, and then it is said again. */
export class Departed<T> {
  /** When, unix ms; the oldest first. */
  readonly #times = new Map<T, number>();

  note(item: T, nowMs: number): void {
    this.#times.delete(item);
    this.#times.set(item, nowMs);
    for (const [oldest, atMs] of this.#times) {
      if (this.#times.size <= DEPARTED_MAX && nowMs - atMs < DEPARTED_MS) break;
      this.#times.delete(oldest);
    }
  }

  lately(nowMs: number): T[] {
    const all = [...this.#times];
    return all.filter(([, atMs]) => nowMs - atMs <= DEPARTED_MS).map(([item]) => item);
  }
}
