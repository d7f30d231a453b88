import type { DeadEdge } from '@halley/shared/redis';

/** A look that took longer, or came later after the one before it, proves nothing. */
export const LOOK_MAX_MS = 1_000;
export const LOOKS_MAX_GAP_MS = 2_000;

interface Silence {
  readonly beat: string;
  readonly sinceMs: number;
}

/**
 * How long edges have been silent, by the clock of whoever looks and only as far as it was looking: a Redis
 * that was paused, and an observer that was, start all counts again. Times are of a monotonic clock.
 */
export class Silences {
  readonly #deadMs: number;
  readonly #silences = new Map<string, Silence>();
  #lastEndedMs = Number.NEGATIVE_INFINITY;

  constructor(deadMs: number) {
    this.#deadMs = deadMs;
  }

  /**
   * @param beats last heartbeat by edgeId, as read between these two times
   * @returns the edges that are dead, at each look again
   */
  looked(startedMs: number, endedMs: number, beats: ReadonlyMap<string, string>): DeadEdge[] {
    const isLate = startedMs - this.#lastEndedMs > LOOKS_MAX_GAP_MS;
    if (isLate || endedMs - startedMs > LOOK_MAX_MS) this.missed();
    this.#lastEndedMs = endedMs;
    for (const edgeId of this.#silences.keys()) {
      if (!beats.has(edgeId)) this.#silences.delete(edgeId);
    }
    const dead: DeadEdge[] = [];
    for (const [edgeId, beat] of beats) {
      const known = this.#silences.get(edgeId);
      if (known?.beat !== beat) this.#silences.set(edgeId, { beat, sinceMs: endedMs });
      else if (startedMs - known.sinceMs >= this.#deadMs) dead.push({ edgeId, beat });
    }
    return dead;
  }

  /** A look failed. */
  missed(): void {
    this.#silences.clear();
  }
}
