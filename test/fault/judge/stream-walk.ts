/** One subscriber's story of one stream, read in the order in which it happened. */

import { comparePositions, isEmptyPosition, ORIGIN, type Position } from '@halley/shared/protocol';
import type { GapTold, OfStream, Received, Subscribed } from '../history.js';
import type { Accepted, Ledger } from './ledger.js';

/** The subscriber was told that something between these is missing. */
interface Told {
  readonly from: Position;
  readonly to: Position;
}

export interface StreamCounts {
  checked: number;
  lost: number;
  told: number;
  doubled: number;
  /** Repeats that a client drops by their id, as the rules say that it must. */
  deduped: number;
  outOfOrder: number;
  /** Never published, or refused. */
  strange: number;
  falseRecovered: number;
  /** `recovered: false`, and the replay had everything. */
  falseUnrecovered: number;
  needlessGaps: number;
}

export interface StreamFinding {
  readonly what: keyof StreamCounts;
  readonly subscriber: string;
  readonly stream: string;
  readonly at: number;
  readonly detail: string;
}

export class StreamWalk {
  readonly findings: StreamFinding[] = [];
  readonly story: readonly OfStream[];
  /** Where each id came first: its index in the story. */
  readonly first = new Map<Position, number>();
  readonly tolds: Told[] = [];
  deduped = 0;
  readonly #ledger: Ledger;
  readonly #gaps = new Map<GapTold, Position>();
  readonly #byNumber = new Map<string, Position>();
  readonly #lastSeen = new Map<Position, { connection: number; told: number }>();
  #high: Position = ORIGIN;

  constructor(story: readonly OfStream[], ledger: Ledger) {
    this.story = story;
    this.#ledger = ledger;
    for (const [index, entry] of story.entries()) {
      if (entry.kind === 'received') this.#received(entry, index);
      else if (entry.kind === 'gap') this.#gap(entry);
      else this.#subscribed(entry);
    }
    for (const [gap, from] of this.#gaps) this.#proveGap(gap, from);
    for (const [index, entry] of story.entries()) {
      if (entry.kind !== 'subscribed' || entry.after === null) continue;
      if (entry.recovered === true) this.#proveRecovered(entry, entry.after, index);
      if (entry.recovered === false) this.#proveUnrecovered(entry, entry.after, index);
    }
  }

  /** Where the subscriber began; null where it never did. */
  get start(): Position | null {
    const begun = this.story.find((entry): entry is Subscribed => entry.kind === 'subscribed');
    return begun?.position ?? null;
  }

  get newest(): Position {
    let newest = ORIGIN;
    for (const id of this.first.keys()) if (comparePositions(id, newest) > 0) newest = id;
    return newest;
  }

  wasTold(id: Position): boolean {
    return this.tolds.some(({ from, to }) => {
      if (comparePositions(id, from) <= 0) return false;
      // The log is empty or another one: all that it held is gone, and nothing else.
      return isEmptyPosition(to) ? this.#ledger.wasLost(id) : comparePositions(id, to) <= 0;
    });
  }

  find(what: StreamFinding['what'], entry: OfStream, detail: string): void {
    const { subscriber, stream, at } = entry;
    this.findings.push({ what, subscriber, stream, at, detail });
  }

  #gap(entry: GapTold): void {
    this.#gaps.set(entry, this.#high);
    this.#told(this.#high, entry.position, entry.position);
  }

  #proveGap(gap: GapTold, from: Position): void {
    if (this.#ledger.hasLosses(gap.stream)) return;
    const between = this.#ledger.between(gap.stream, from, gap.position);
    if (between.every(({ id }) => this.first.has(id)))
      this.find('needlessGaps', gap, `after ${from}`);
  }

  #subscribed(entry: Subscribed): void {
    if (entry.recovered === false) this.#told(entry.after ?? ORIGIN, entry.position, ORIGIN);
  }

  /** @param high what follows is in order after this */
  #told(from: Position, to: Position, high: Position): void {
    this.tolds.push({ from, to });
    this.#high = high;
  }

  #received(entry: Received, index: number): void {
    const { id, number, connection } = entry;
    const before = this.#lastSeen.get(id);
    const told = this.tolds.length;
    this.#lastSeen.set(id, { connection, told });
    if (before !== undefined) {
      if (before.connection === connection && before.told === told) {
        this.find('doubled', entry, `${number} as ${id} twice on one connection`);
      } else this.deduped += 1;
      return;
    }
    this.first.set(id, index);
    this.#known(entry);
    if (comparePositions(id, this.#high) > 0) this.#high = id;
    else this.find('outOfOrder', entry, `${number} as ${id} after ${this.#high}`);
  }

  #known(entry: Received): void {
    const { id, number } = entry;
    const twin = this.#byNumber.get(number);
    this.#byNumber.set(number, id);
    if (twin !== undefined && !this.#ledger.wasLost(twin) && !this.#ledger.wasLost(id)) {
      this.find('doubled', entry, `${number} as ${twin} and as ${id}`);
    }
    const publication = this.#ledger.publication(number);
    if (publication === undefined || publication.outcome === 'refused') {
      this.find('strange', entry, `${number} was ${publication?.outcome ?? 'never published'}`);
    }
  }

  /** @returns index in the story at which the next subscribe begins, or its length */
  #endOf(index: number): number {
    const next = this.story.findIndex(({ kind }, at) => at > index && kind === 'subscribed');
    return next === -1 ? this.story.length : next;
  }

  /** A hole: something newer came on this connection, or nothing more came at all, without it. */
  #proveRecovered(entry: Subscribed, after: Position, index: number): void {
    const end = this.#endOf(index);
    const isLast = end === this.story.length;
    for (const { id, number } of this.#ledger.between(entry.stream, after, entry.position)) {
      const came = this.first.get(id);
      if (came !== undefined && came <= index) continue;
      const newer = this.#newerIn(entry, id, index, end);
      if (newer === -1 ? came === undefined && isLast : came === undefined || came > newer) {
        this.find('falseRecovered', entry, `without ${number} as ${id} after ${after}`);
        return;
      }
    }
  }

  #newerIn({ connection }: Subscribed, id: Position, from: number, to: number): number {
    for (let at = from + 1; at < to; at += 1) {
      const entry = this.story[at];
      if (entry?.kind !== 'received' || entry.connection !== connection) continue;
      if (comparePositions(entry.id, id) > 0) return at;
    }
    return -1;
  }

  #proveUnrecovered(entry: Subscribed, after: Position, index: number): void {
    if (this.#ledger.hasLosses(entry.stream)) return;
    const missed = this.#ledger.between(entry.stream, after, entry.position);
    const isMissing = ({ id }: Accepted) => {
      const came = this.first.get(id);
      return came === undefined || came >= this.#endOf(index);
    };
    if (!missed.some(isMissing)) this.find('falseUnrecovered', entry, `after ${after}`);
  }
}
