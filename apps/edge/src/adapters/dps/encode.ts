import { type Position, type RawJson, rawMember, streamId } from '@halley/shared/protocol';
import type { Wire } from '../../core/ports/wire.js';

/** DPS counts messages in microseconds of their time; the last digits are their number within one ms. */
const STAMPS_PER_MS = 1_000;

const decoder = new TextDecoder();

/** An answer, and a frame of the WebSocket. */
export function batchText(seq: number, messages: readonly RawJson[]): string {
  return `{"seq":${seq},"messages":[${messages.join(',')}]}`;
}

/** What was published, byte for byte, out of a finished native frame. */
export function dataOf(frame: string | Uint8Array): RawJson {
  return rawMember(textOf(frame), 'data') ?? 'null';
}

export function textOf(bytes: string | Uint8Array): string {
  return typeof bytes === 'string' ? bytes : decoder.decode(bytes);
}

/** The time stamp of a message. Of more than a thousand in one ms the last ones share theirs. */
export function stampOf(id: Position): number {
  const [ms, sequence] = streamId(id).split('-');
  return Number(ms) * STAMPS_PER_MS + Math.min(Number(sequence), STAMPS_PER_MS - 1);
}

/** Live messages for polls: the data alone, since each poll counts for itself. */
export const pollWire: Wire = {
  name: 'dps-poll',
  encode: () => '',
  encodeItem: (item) => dataOf(item.frame),
  encodeNative: () => '',
};

/** Live messages for WebSockets: the same bytes for all. */
export const socketWire: Wire = {
  name: 'dps-websocket',
  encode: () => '',
  encodeItem: (item) => batchText(stampOf(item.id), [dataOf(item.frame)]),
  encodeNative: () => '',
};
