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
  readonly #published = new Map<Position, number>();

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

  /** Somebody who has seen so many messages (all up to now) is told so. */
  give(position: Position, published = this.published): void {
    if (!this.#published.has(position)) this.#published.set(position, published);
    this.#given.push({ position, published, order: this.#given.length });
  }

  /** How many messages had been published when this position was first given. */
  publishedAt(position: Position): number {
    const published = this.#published.get(position);
    if (published === undefined) throw new Error(`nobody was ever given ${position}`);
    return published;
  }

  /** Redis went back to where it was after so many messages: what came later never happened. */
  rollBack(published: number): void {
    for (const message of this.#messages.slice(published)) message.isLost = true;
  }

  /** Messages in order, those left out that Redis has lost. */
  between(from: number, to: number): Position[] {
    const messages = this.#messages.slice(from, to);
    return messages.filter((message) => !message.isLost).map((message) => message.id);
  }

  /** The same for what somebody received. */
  withoutLost(ids: readonly Position[]): Position[] {
    return ids.filter((id) => this.#messages[this.publishedAt(id) - 1]?.isLost === false);
  }

  /** Messages after this position that Redis has lost. */
  lostSince(given: Given): Position[] {
    const since = this.#messages.slice(given.published);
    return since.filter((message) => message.isLost).map((message) => message.id);
  }

  /** Ids have to rise, or edges would take live messages for second copies. */
  risesTo(id: Position): boolean {
    const last = this.#messages.findLast((message) => !message.isLost);
    return last === undefined || comparePositions(id, last.id) > 0;
  }
}
