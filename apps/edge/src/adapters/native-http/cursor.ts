/**
 * A cursor says how far a client has seen its channels, in the order in which its URL names them, and its
 * queue: `1~<position>~<position>~~<queue position>`, `_` where there is none. It is not signed: it says
 * nothing that a client could not say by positions.
 */

import { CURSOR_MAX_CHARS, isPosition, type Position } from '@halley/shared/protocol';

const VERSION = '1';
const SEPARATOR = '~';
const QUEUE_SEPARATOR = '~~';
const NONE = '_';

export interface Cursor {
  readonly channels: readonly (Position | null)[];
  readonly queue: Position | null;
}

/** A part of a text keeps the whole of it for as long as it is kept. */
function detached(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}

export function formatCursor({ channels, queue }: Cursor): string {
  const seen = [VERSION, ...channels.map((position) => position ?? NONE)].join(SEPARATOR);
  return queue === null ? seen : seen + QUEUE_SEPARATOR + queue;
}

/** @returns null for what `formatCursor` would not say of as many channels */
export function parseCursor(text: string, channelCount: number): Cursor | null {
  if (text.length > CURSOR_MAX_CHARS) return null;
  const [seen = '', queue, ...rest] = text.split(QUEUE_SEPARATOR);
  const [version, ...positions] = seen.split(SEPARATOR);
  if (version !== VERSION || rest.length > 0 || positions.length !== channelCount) return null;
  if (queue !== undefined && !isPosition(queue)) return null;
  if (!positions.every((position) => position === NONE || isPosition(position))) return null;
  return {
    channels: positions.map((position) => (position === NONE ? null : detached(position))),
    queue: queue === undefined ? null : detached(queue),
  };
}
