/** Proof, not hope: whether a stream can be shown to be whole after a position. Pure. */

import {
  comparePositions,
  isEmptyPosition,
  type LogEntry,
  type LogView,
  ORIGIN,
  type Position,
  TOP_TTL_MS,
  timeOf,
} from '@halley/shared/protocol';

export interface Recovered<E> {
  readonly recovered: boolean;
  /** What to replay: all that follows the position if recovered, otherwise the whole log. */
  readonly entries: readonly E[];
}

/**
 * A resume from `after` is complete iff
 * (a) `after` is the top: nothing came since, even where the log has expired;
 * (b) the log holds that very message, by id and nonce;
 * (c) the log's first message follows it;
 * (d) nothing had been published at `after`, the top would still be remembered had anything come and
 *     gone since, and there is no top or the log begins with the first message ever.
 */
export function decide(after: Position, view: LogView): Recovered<LogEntry> {
  const { top, found, entries } = view;
  if (isCut(after, view.cut)) return { recovered: false, entries };
  if (after === top) return { recovered: true, entries: [] };
  const recovered = found || entries[0]?.prev === after || isWholeSince(after, view);
  return { recovered, entries };
}

function isWholeSince(after: Position, { nowMs, top, entries }: LogView): boolean {
  if (!isEmptyPosition(after)) return false;
  const ageMs = nowMs - timeOf(after);
  if (ageMs >= TOP_TTL_MS / 2) return false;
  return top === null || entries[0]?.prev === ORIGIN;
}

/** True if an edge saw that messages after this position were lost: nothing can prove it whole. */
export function isCut(after: Position, cut: Position | null): boolean {
  return cut !== null && !follows(after, cut);
}

/** True if an edge's copy of a stream ending at `last` goes on with a message after `prev`. */
export function continues(last: Position, prev: Position): boolean {
  return prev === last || (prev === ORIGIN && isEmptyPosition(last));
}

/**
 * True if the stream that an edge has given out up to `last` is no longer the one that Redis has: then
 * messages were acknowledged, handed on, and lost by a roll-back. A stream that merely outran the log
 * begins after `last`.
 */
export function isRolledBack(last: Position, view: LogView): boolean {
  if (isEmptyPosition(last) || view.found || view.top === last) return false;
  const [first] = view.entries;
  if (first === undefined) return view.top !== null && !follows(view.top, last);
  return !follows(first.id, last);
}

function follows(position: Position, other: Position): boolean {
  return comparePositions(position, other) > 0;
}
