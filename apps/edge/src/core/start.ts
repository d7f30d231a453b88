/** Where a listener starts, decided by what is known of the stream. Pure. */

import {
  comparePositions,
  type LogView,
  type Position,
  RefusedError,
  refusal,
  timeOf,
} from '@halley/shared/protocol';
import { decide, isCut } from './recovery.js';
import type { StreamItem, Tail } from './tail.js';

/** Live messages of one edge are rarely later than those of another by more than this. */
const CATCH_UP_MS = 100;

/** `recovered` is absent where the listener showed no position. */
export interface Start {
  readonly position: Position;
  readonly recovered?: boolean;
  readonly items: readonly StreamItem[];
}

/**
 * Told in the same turn in which the replay begins and the listener joins.
 * @returns false if the listener does not want to start any more
 */
export type Announce = (start: Start) => boolean;

export interface AgeRule {
  /** Messages older than this are not shown to those who start anew, ms. */
  readonly ageMs: number;
  /** They are not replayed to anybody. */
  readonly isStrictOnAge: boolean;
}

/** @returns null where only Redis can tell */
export function startFromTail(
  tail: Tail | null,
  high: Position,
  after: Position,
  rule: AgeRule,
): Start | null {
  // Also at a cut: who was told of it has no other position, and would be told again with each poll.
  if (after === high) return { position: high, recovered: true, items: [] };
  if (tail === null) return null;
  const items = isCut(after, tail.cut) ? null : tail.after(after);
  if (items !== null) return { position: high, recovered: true, items };
  if (tail.whole === null) return null;
  return startFromView(tail, high, after, tail.whole, rule);
}

/**
 * @param view was read after `after`, or of the whole log, and has become part of the tail
 * @throws RefusedError where the listener is ahead of this edge, which is just catching up
 */
export function startFromView(
  tail: Tail,
  high: Position,
  after: Position,
  view: LogView,
  rule: AgeRule,
): Required<Start> {
  const { recovered } = decide(after, view);
  const isKnown = recovered || view.entries.some(({ id }) => id === after);
  if (isKnown && comparePositions(after, high) > 0) {
    throw new RefusedError({
      ...refusal('unavailable', 'this edge is just catching up'),
      retryAfterMs: CATCH_UP_MS,
    });
  }
  const items = after === high ? [] : ((recovered ? tail.after(after) : null) ?? tail.items);
  const kept = recovered && !rule.isStrictOnAge ? items : shown(items, view.nowMs, rule.ageMs);
  return { position: high, recovered: recovered && kept.length === items.length, items: kept };
}

/** Messages that are young enough to be shown. */
export function shown(
  items: readonly StreamItem[],
  nowMs: number,
  ageMs: number,
): readonly StreamItem[] {
  return items.filter((item) => timeOf(item.id) >= nowMs - ageMs);
}
