import type { Position, PrivateFrame, WelcomeFrame } from '@halley/shared/protocol';
import { Progress } from './progress.js';

/** Private messages that are kept for tabs that come late, or back. */
const KEPT_MAX = 1_000;

/** How far a client's queue has been seen, and the last messages of it, which another tab may lack. */
export class QueueRelay {
  readonly #progress: Progress;
  #kept: PrivateFrame[] = [];
  /** What came after this is kept. */
  #base: Position | null = null;

  /** @param from what another one knows is known here too */
  constructor(from?: QueueRelay) {
    this.#progress = new Progress(from?.position);
    if (from === undefined) return;
    this.#kept = [...from.#kept];
    this.#base = from.#base;
  }

  get position(): Position | null {
    return this.#progress.position;
  }

  /** @returns where the gap is, if the queue could not be kept whole */
  welcomed({ queue }: WelcomeFrame): Position | null {
    if (queue === undefined) return null;
    const hasGap = this.#progress.resumed(queue);
    if (hasGap || this.#base === null) this.#restart(queue.position);
    return hasGap ? queue.position : null;
  }

  /** @param position counts where none is known */
  begin(position: Position | null): void {
    if (this.position === null && position !== null) this.jump(position);
  }

  jump(position: Position): void {
    this.#progress.position = position;
    this.#restart(position);
  }

  /** @returns false for what came before */
  take(frame: PrivateFrame): boolean {
    if (!this.#progress.take(frame.id)) return false;
    this.#kept.push(frame);
    if (this.#kept.length > KEPT_MAX) this.#base = (this.#kept.shift() as PrivateFrame).id;
    return true;
  }

  /** What a tab that has seen so much has missed; null where that is not known any more. */
  after(position: Position): readonly PrivateFrame[] | null {
    const index = this.#kept.findIndex(({ id }) => id === position);
    return index !== -1 || position === this.#base ? this.#kept.slice(index + 1) : null;
  }

  #restart(base: Position): void {
    this.#kept = [];
    this.#base = base;
  }
}
