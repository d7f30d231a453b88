/** What was accepted, by stream and in the order of the log. */

import { comparePositions, type Position } from '@halley/shared/protocol';
import type { Entry, Publication, Stream } from '../history.js';

export interface Accepted extends Publication {
  readonly id: Position;
}

/** Ids that Redis itself has lost. */
export interface Losses {
  readonly lost: ReadonlySet<Position>;
  /** Of these, what is taken off the books: nobody may have been able to get it. */
  readonly neverHeld: ReadonlySet<Position>;
}

export const NO_LOSSES: Losses = { lost: new Set(), neverHeld: new Set() };

export class Ledger {
  readonly #accepted = new Map<Stream, Accepted[]>();
  readonly #byNumber = new Map<string, Publication>();
  readonly #lost: ReadonlySet<Position>;
  readonly #excused: ReadonlySet<Position>;
  readonly counts = { accepted: 0, refused: 0, unknown: 0 };

  constructor(entries: readonly Entry[], { lost, neverHeld }: Losses) {
    this.#lost = lost;
    this.#excused = neverHeld;
    for (const entry of entries) {
      if (entry.kind === 'published') this.#book(entry);
    }
    for (const list of this.#accepted.values()) list.sort((a, b) => comparePositions(a.id, b.id));
  }

  /** Accepted, not taken off the books, and after `from` up to `to` (null: to the end), in order. */
  between(stream: Stream, from: Position, to: Position | null): Accepted[] {
    const list = this.#accepted.get(stream) ?? [];
    const found: Accepted[] = [];
    for (let index = this.#firstAfter(list, from); index < list.length; index += 1) {
      const one = list[index] as Accepted;
      if (to !== null && comparePositions(one.id, to) > 0) break;
      if (!this.#excused.has(one.id)) found.push(one);
    }
    return found;
  }

  publication(number: string): Publication | undefined {
    return this.#byNumber.get(number);
  }

  wasLost(id: Position): boolean {
    return this.#lost.has(id);
  }

  /** Whether Redis has lost any of what was accepted there. */
  hasLosses(stream: Stream): boolean {
    return (this.#accepted.get(stream) ?? []).some(({ id }) => this.#lost.has(id));
  }

  #book(entry: Publication): void {
    this.counts[entry.outcome] += 1;
    this.#byNumber.set(entry.number, entry);
    if (entry.outcome !== 'accepted' || entry.id === undefined) return;
    const list = this.#accepted.get(entry.stream) ?? [];
    list.push({ ...entry, id: entry.id });
    this.#accepted.set(entry.stream, list);
  }

  #firstAfter(list: readonly Accepted[], from: Position): number {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePositions((list[middle] as Accepted).id, from) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
