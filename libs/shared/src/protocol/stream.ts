/** A stream of messages (a channel's log or a client's queue) as data: what is read, what is published. */

import type { Body } from './body.js';
import type { Refusal } from './codes.js';
import type { Position } from './position.js';

/** How long a top outlives its stream's last message, ms. */
export const TOP_TTL_MS = 7 * 86_400_000;

/** One stored message. `prev` is the position of the message before it: the chain that shows holes. */
export interface LogEntry {
  readonly id: Position;
  readonly prev: Position;
  readonly body: Body;
}

/** What a resume has to know of a stream, read at one instant. */
export interface LogView {
  /** Redis' clock, unix ms. */
  readonly nowMs: number;
  readonly top: Position | null;
  /** A resume from at or below it cannot be complete: an edge saw messages that Redis has lost. */
  readonly cut: Position | null;
  /** True: the log holds the message at the position asked for, and `entries` follow it. */
  readonly found: boolean;
  /** What follows the position if it was found, otherwise the whole log. */
  readonly entries: readonly LogEntry[];
}

export interface HistoryQuery {
  readonly after?: Position | undefined;
  readonly before?: Position | undefined;
  readonly limit: number;
}

export interface HistoryPage {
  /** Redis' clock, unix ms. */
  readonly nowMs: number;
  readonly top: Position | null;
  /** Ascending. */
  readonly entries: readonly LogEntry[];
  /** There is more in the direction of reading. */
  readonly more: boolean;
}

export interface Published {
  readonly id: Position;
  /** Edges that took the message: 0 means that nobody is subscribed, or that the client is not there. */
  readonly edges: number;
  /** The key had been used: this is the first message's id, and nothing was sent. */
  readonly repeated?: true;
}

export type PublishOutcome = Published | Refusal;

/** The position of somebody who has seen all of a stream: its top, or "nothing so far". */
export function positionOf(top: Position | null, nowMs: number): Position {
  return top ?? `0-${nowMs}`;
}
