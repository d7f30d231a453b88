import { comparePositions, ORIGIN, type Position, type Recovery } from '@halley/shared/protocol';
import { RecentIds } from './recent-ids.js';

/** How far a log has been seen: knows what is new, and where to go on. */
export class Progress {
  /** Of the last message that was taken; null before anything is known. The stream goes on after it. */
  position: Position | null;
  /** What is replayed for want of a proof may have been seen already. */
  readonly #recent = new RecentIds();

  constructor(position: Position | null = null) {
    this.position = position;
  }

  /** @returns false for what was taken before */
  take(id: Position): boolean {
    const order = this.position === null ? -1 : comparePositions(this.position, id);
    // Equal ids with other nonces are two messages of two masters.
    if (order > 0 || id === this.position || this.#recent.has(id)) return false;
    this.position = id;
    this.#recent.add(id);
    return true;
  }

  /** What the edge said when it was shown the position. @returns whether something may be missing */
  resumed({ position, recovered, replayed = 0 }: Recovery): boolean {
    if (replayed === 0) this.position = position;
    // The replay may begin before what was seen: its ids alone say what is new.
    else if (recovered !== true) this.position = ORIGIN;
    return recovered === false;
  }
}
