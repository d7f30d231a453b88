import { icometChannel, isCallbackName, type Refusal, refusal } from '@halley/shared/protocol';

/** What the URL of a subscriber asks for. */
export interface Asked {
  readonly channel: string;
  /** Number of the next message that is wanted, 32 bits with a sign. */
  readonly seq: number;
  /** Number of the next noop. */
  readonly noop: number;
  readonly token: string;
  /** Name of the JSONP callback; null without one. */
  readonly callback: string | null;
}

const INT_MAX = 2_147_483_647;
const INT_MIN = -2_147_483_648;
const LEADING_NUMBER = /^[ \t\n\v\f\r]*([+-]?\d+)/;

export function decodeAsked(query: string): Asked | Refusal {
  const params = new URLSearchParams(query);
  const channel = icometChannel(params.get('cname') ?? '');
  if (channel === null) {
    return refusal('bad-channel', 'cname= is too long or is reserved', 'cname');
  }
  const callback = decodeCallback(params);
  if (typeof callback === 'object' && callback !== null) return callback;
  return {
    channel,
    seq: numberIn(params.get('seq')),
    noop: numberIn(params.get('noop')),
    token: params.get('token') ?? '',
    callback,
  };
}

/** @returns null without a callback */
export function decodeCallback(params: URLSearchParams): string | null | Refusal {
  const name = params.get('cb') ?? '';
  if (name === '') return null;
  if (isCallbackName(name)) return name;
  return refusal('bad-callback', 'cb= must be names joined by dots', 'cb');
}

/** As C's atoi reads a text: what does not begin with a number is 0. */
function numberIn(text: string | null): number {
  const match = LEADING_NUMBER.exec(text ?? '');
  return match === null ? 0 : Math.min(INT_MAX, Math.max(INT_MIN, Number(match[1])));
}
