import {
  encodeFrame,
  isEmptyPosition,
  type Position,
  type ServerFrame,
} from '@halley/shared/protocol';
import type { Wire } from '../../core/ports/wire.js';
import type { StreamItem } from '../../core/tail.js';

/** A wire that pushes, and what it says when there is nothing to say. */
export interface PushWire extends Wire {
  readonly contentType: string;
  /** Sent before anything else. */
  preamble(): string;
  readonly heartbeat: string;
  /** After what a cursor, which each batch of writes ends with, says how far the client has seen; '' where it says that by itself. */
  cursorEvent(cursor: string): string;
}

const RECONNECT_MIN_MS = 1_000;
const RECONNECT_SPREAD_MS = 2_000;
const LINE_BREAK = /[\r\n]/g;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

const decoder = new TextDecoder();

/** A native frame as text of one line. Breaks can only stand between the tokens of posted JSON. */
export function lineOf(frame: string | Uint8Array): string {
  if (typeof frame === 'string') return frame.replace(LINE_BREAK, ' ');
  const hasBreak = frame.includes(LINE_FEED) || frame.includes(CARRIAGE_RETURN);
  const text = decoder.decode(frame);
  return hasBreak ? text.replace(LINE_BREAK, ' ') : text;
}

/** Server-sent events; the connection says by a cursor how far it has come. */
export const sseWire: PushWire = {
  name: 'sse',
  contentType: 'text/event-stream; charset=utf-8',
  // Not all at once, when an edge is gone.
  preamble: () =>
    `retry: ${RECONNECT_MIN_MS + Math.floor(Math.random() * RECONNECT_SPREAD_MS)}\n\n`,
  heartbeat: ':\n\n',
  // An id without data is lost on some browsers.
  cursorEvent: (cursor) => `event: cursor\nid: ${cursor}\ndata:\n\n`,
  encode: (frame) => sseEvent(encodeFrame(frame)),
  encodeItem: (item) => sseEvent(lineOf(item.frame)),
  encodeNative: (frame) => sseEvent(lineOf(frame)),
};

/** For pages: what an EventSource hears, but a comment it does not. */
const PONG_HEARTBEAT = sseEvent(encodeFrame({ type: 'pong' }));
export const heardSseWire: PushWire = { ...sseWire, heartbeat: PONG_HEARTBEAT };

/** The same for one channel and no queue: an event's id is the position, encoded once for all. */
export const singleSseWire: PushWire = {
  ...sseWire,
  cursorEvent: () => '',
  encode(frame) {
    const position = positionAfter(frame);
    const event = sseEvent(encodeFrame(frame));
    return position === null ? event : `id: ${position}\n${event}`;
  },
  encodeItem: (item) => `id: ${item.id}\n${sseEvent(lineOf(item.frame))}`,
};

export const singleHeardSseWire: PushWire = { ...singleSseWire, heartbeat: PONG_HEARTBEAT };

/** One frame a line. */
export const streamWire: PushWire = {
  name: 'stream',
  contentType: 'application/x-ndjson; charset=utf-8',
  preamble: () => '',
  heartbeat: '\n',
  cursorEvent: () => '',
  encode: (frame) => `${encodeFrame(frame)}\n`,
  encodeItem: (item) => `${lineOf(item.frame)}\n`,
  encodeNative: (frame) => `${lineOf(frame)}\n`,
};

/** Frames that are put into one answer. */
export const pollWire: Wire = {
  name: 'poll',
  encode: encodeFrame,
  encodeItem: (item) => item.frame,
  encodeNative: (frame) => frame,
};

function sseEvent(line: string): string {
  return `data: ${line}\n\n`;
}

/** Up to where the client has seen its channel once it has this frame, if that is not said by messages. */
export function positionAfter(frame: ServerFrame): Position | null {
  if (frame.type === 'subscribed') return frame.replayed === undefined ? frame.position : null;
  return frame.type === 'gap' && frame.channel !== undefined ? frame.position : null;
}

const CHANNEL_MARK = '"channel":"';

/** The channel of a stored message; null for a private one. */
export function channelOfItem({ frame }: StreamItem): string | null {
  // Type, channel name and id stand first, in characters of one byte.
  const head =
    typeof frame === 'string' ? frame.slice(0, 300) : decoder.decode(frame.subarray(0, 300));
  if (head.startsWith('{"type":"private"')) return null;
  const start = head.indexOf(CHANNEL_MARK) + CHANNEL_MARK.length;
  return head.slice(start, head.indexOf('"', start));
}

export function isNoPosition(position: Position | null): boolean {
  return position === null || isEmptyPosition(position);
}
