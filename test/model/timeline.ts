import { comparePositions, type Position } from '@halley/shared/protocol';

/** A position that clients were given, and how many messages had been published by then. */
export interface Given {
  readonly position: Position;
  readonly published: number;
  /** Number of the positions given before. */
  readonly order: number;
}

/**
 * What really happened to one stream, known without looking at Redis: every message in the order of its
 * publication, and every position that anybody was ever given.
 */
export class Timeline {
  readonly #messages: { readonly id: Position; isLost: boolean }[] = [];
  readonly #given: Given[] = [];

  get published(): number {
    return this.#messages.length;
  }

  get given(): readonly Given[] {
    return this.#given;
  }

  /** The sender and whoever was connected have seen it. */
  add(id: Position): void {
    this.#messages.push({ id, isLost: false });
    this.give(id);
  }

  give(position: Position): void {
    this.#given.push({ position, published: this.published, order: this.#given.length });
  }

  /** Redis went back to where it was after so many messages: what came later never happened. */
  rollBack(published: number): void {
    for (const message of this.#messages.slice(published)) message.isLost = true;
  }

  /** What somebody with this position has to be sent, in order. */
  missedSince(given: Given): Position[] {
    const since = this.#messages.slice(given.published);
    return since.filter((message) => !message.isLost).map((message) => message.id);
  }

  /** Messages after this position that were published and never came, since Redis lost them. */
  lostSince(given: Given): number {
    return this.#messages.slice(given.published).filter((message) => message.isLost).length;
  }

  /** Ids have to rise, or edges would take live messages for second copies. */
  risesTo(id: Position): boolean {
    const last = this.#messages.findLast((message) => !message.isLost);
    return last === undefined || comparePositions(id, last.id) > 0;
  }
}
