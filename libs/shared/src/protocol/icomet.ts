/** Names, numbers and contents of iComet in terms of channels, numbers and data. */

import type { RawJson } from './json-span.js';
import { CLIENT_CHANNEL_PREFIX, escapeName, isChannel, unescapeName } from './names.js';

/** The channel of the empty name: no other name is written so. */
const NAMELESS = '~';
const NUMBER = /,"number":(\d+)\}$/;

/** The channel of a name of iComet, which may be any text; null where no channel may be called so. */
export function icometChannel(cname: string): string | null {
  const channel = cname === '' ? NAMELESS : escapeName(cname);
  return isChannel(channel) && !channel.startsWith(CLIENT_CHANNEL_PREFIX) ? channel : null;
}

/** The name that a client of iComet knows a channel by. */
export function icometName(channel: string): string {
  if (channel === NAMELESS) return '';
  return unescapeName(channel) ?? channel;
}

/** Numbers as iComet counts: 32 bits with a sign, so that the one after the largest is the smallest. */
export function icometNumber(number: number): number {
  return number | 0;
}

/** The content of a message: the text of a JSON string, or the JSON of anything else. */
export function icometContent(data: RawJson): string {
  return data.startsWith('"') ? (JSON.parse(data) as string) : data;
}

/**
 * The number of a message, the last member of its frame; null where its namespace does not number.
 * @param frame a finished frame, up to its closing brace
 */
export function numberOf(frame: string): number | null {
  const match = NUMBER.exec(frame);
  return match === null ? null : Number(match[1]);
}
