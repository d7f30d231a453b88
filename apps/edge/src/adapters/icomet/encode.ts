import { icometContent, icometNumber, numberOf, rawMember } from '@halley/shared/protocol';
import type { StreamItem } from '../../core/tail.js';
import type { Room } from './rooms.js';

/** One object of iComet's protocol as JSON. */
export type ObjectText = string;

/** A message of a channel in iComet's terms. */
export interface Message {
  /** Counted without end, as Redis does. */
  readonly number: number;
  readonly isBroadcast: boolean;
  readonly text: ObjectText;
}

const decoder = new TextDecoder();

/** @returns null for a message without a number, which was published before the namespace had them */
export function messageOf({ frame }: StreamItem, { cname }: Room): Message | null {
  const native = typeof frame === 'string' ? frame : decoder.decode(frame);
  const number = numberOf(native);
  if (number === null) return null;
  const isBroadcast = rawMember(native, 'event') === '"broadcast"';
  const content = JSON.stringify(icometContent(rawMember(native, 'data') ?? '""'));
  const type = isBroadcast ? 'broadcast' : 'data';
  return { number, isBroadcast, text: objectText(type, cname, icometNumber(number), content) };
}

/** The objects that a message is told by: a broadcast brings along where to go on. */
export function objectsOf({ number, isBroadcast, text }: Message, room: Room): ObjectText[] {
  return isBroadcast ? [text, nextSeqText(room, number + 1)] : [text];
}

/** The number to go on with. */
export function nextSeqText({ cname }: Room, next: number): ObjectText {
  return objectText('next_seq', cname, icometNumber(next));
}

/** @param count of the connection's own noops */
export function noopText({ cname }: Room, count: number): ObjectText {
  return objectText('noop', cname, count);
}

/** The channel was closed. */
export function closeText({ cname, next }: Room): ObjectText {
  return objectText('close', cname, icometNumber(next));
}

/** A refusal, which iComet tells by an object and not by a status. */
export function refusedText(type: '401' | '429', cname: string, reason: string): ObjectText {
  return objectText(type, JSON.stringify(cname), 0, JSON.stringify(reason));
}

function objectText(type: string, cname: string, seq: number, content = '""'): ObjectText {
  return `{"type":"${type}","cname":${cname},"seq":${seq},"content":${content}}`;
}
