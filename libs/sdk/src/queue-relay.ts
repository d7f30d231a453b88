import {
  comparePositions,
  type Position,
  type PrivateFrame,
  type WelcomeFrame,
} from '@halley/shared/protocol';
import { Progress } from './progress.js';

/** Private messages that are kept for tabs that come late, or back. */
const KEPT_MAX = 1_000;

/** How far a client's queue has been seen, and the last messages of it, which another tab may lack. */
export class QueueRelay {
  readonly #progress: Progress;
  /** The first one only says where the others begin. */
  #kept: PrivateFrame[] = [];

  /** @param from what another one knows is known here too */
  constructor(from?: QueueRelay) {
    this.#progress = new Progress(from?.position);
    if (from) this.#kept = [...from.#kept];
  }

  get position(): Position | null {
    return this.#progress.position;
  }

  /** @returns where the gap is, if the queue could not be kept whole */
  welcomed({ queue }: WelcomeFrame): Position | null {
    if (!queue) return null;
    const hasGap = this.#progress.resumed(queue);
    if (hasGap || !this.#kept.length) this.#restart(queue.position);
    return hasGap ? queue.position : null;
  }

  /** @param position counts where none is known */
  begin(position: Position | null): void {
    if (!this.position && position) this.jump(position);
  }

  jump(position: Position): void {
    this.#progress.position = position;
    this.#restart(position);
  }

  /** @returns false for what came before */
  take(frame: PrivateFrame): boolean {
    if (!this.#progress.take(frame.id)) return false;
    if (this.#kept.push(frame) > KEPT_MAX + 1) this.#kept.shift();
    return true;
  }

  /** What a tab that has seen so much has missed; null where that is not known any more. */
  after(position: Position): readonly PrivateFrame[] | null {
    const [base, ...kept] = this.#kept;
    // Equal ids with other nonces are two messages of two masters.
    const isMissed = ({ id }: PrivateFrame) =>
      id !== position && comparePositions(id, position) >= 0 && id.includes('.');
    if (!base || isMissed(base)) return null;
    return kept.filter(isMissed);
  }

  #restart(base: Position): void {
    this.#kept = [{ id: base } as PrivateFrame];
  }
}
