import {
  CHANNELS_PER_URL_MAX,
  isCallbackName,
  isChannel,
  isPosition,
  POLL_WAIT_DEFAULT_SECONDS,
  POLL_WAIT_MAX_SECONDS,
  type Position,
  REWIND_MAX,
  type Refusal,
  refusal,
  TOKEN_MAX_BYTES,
} from '@halley/shared/protocol';
import type { HttpRequest } from '../../core/ports/http.js';
import { type Cursor, parseCursor } from './cursor.js';

/** What the URL of a receiving wire asks for. */
export interface Asked {
  readonly channels: readonly string[];
  /** How far the client has seen; null where it shows nothing. */
  readonly cursor: Cursor | null;
  /** Messages to go back for a channel that shows nothing, in the order of `channels`; null for none. */
  readonly lasts: readonly (number | null)[];
  /** Tokens for single channels, in the order of `channels`; null where there is none. */
  readonly grants: readonly (string | null)[];
}

export interface PollAsked extends Asked {
  readonly waitSeconds: number;
  /** It is told at once where it stands, although it shows a cursor. */
  readonly wantsHello: boolean;
}

const WHOLE_NUMBER = /^\d{1,9}$/;

export function decodeAsked({ query, lastEventId }: HttpRequest): Asked | Refusal {
  const params = new URLSearchParams(query);
  const channels = params.getAll('channel').map(detached);
  const cursor = decodeCursor(params, lastEventId, channels.length);
  const lasts = decodeLasts(params, channels.length);
  const grants = decodeGrants(params, channels.length);
  const refused = channelsRefusal(channels) ?? firstRefusal(cursor, lasts, grants);
  return (
    refused ?? {
      channels,
      cursor: cursor as Cursor | null,
      lasts: lasts as (number | null)[],
      grants: grants as (string | null)[],
    }
  );
}

/** A part of a text keeps the whole of it, with its token, for as long as the connection is there. */
export function detached(part: string): string {
  return Buffer.from(part).toString();
}

export function decodePoll(request: HttpRequest): PollAsked | Refusal {
  const asked = decodeAsked(request);
  if ('code' in asked) return asked;
  const params = new URLSearchParams(request.query);
  const wait = decodeNumber(params, 'wait', POLL_WAIT_MAX_SECONDS);
  const hello = decodeNumber(params, 'hello', 1);
  const refused = firstRefusal(wait, hello);
  if (refused !== null) return refused;
  return {
    ...asked,
    waitSeconds: (wait as number | null) ?? POLL_WAIT_DEFAULT_SECONDS,
    wantsHello: hello === 1,
  };
}

/** @returns the name of the JSONP callback, null without one */
export function decodeCallback(query: string): string | null | Refusal {
  const name = new URLSearchParams(query).get('callback');
  if (name === null || isCallbackName(name)) return name;
  return refusal('bad-callback', 'callback= must be names joined by dots', 'callback');
}

/** What a browser saw last counts more than the URL that it once began with. */
function decodeCursor(
  params: URLSearchParams,
  lastEventId: string,
  channelCount: number,
): Cursor | null | Refusal {
  const field = lastEventId === '' ? 'cursor' : 'Last-Event-ID';
  const shown = lastEventId === '' ? params.get('cursor') : lastEventId;
  if (shown === null || shown === '') return decodeAfter(params, channelCount);
  // An event's id is the position itself where there is one channel and no queue.
  if (channelCount === 1 && isPosition(shown)) return { channels: [shown], queue: null };
  const badCursor = `${field} must be a cursor for these channels as an edge gave it`;
  return parseCursor(shown, channelCount) ?? refusal('bad-cursor', badCursor, field);
}

/** Positions one by one, in the order of the channels; an empty one shows nothing. */
function decodeAfter(params: URLSearchParams, channelCount: number): Cursor | null | Refusal {
  const shown = params.getAll('after');
  if (shown.length === 0) return null;
  if (shown.length !== channelCount) {
    return refusal('bad-position', 'after= must stand once for each channel=', 'after');
  }
  if (!shown.every((position) => position === '' || isPosition(position))) {
    return refusal('bad-position', 'after= must be a position as an edge gave it', 'after');
  }
  const channels: (Position | null)[] = shown.map((one) => (one === '' ? null : one));
  return { channels, queue: null };
}

/** One for all channels, one for each of them (which may be empty), or none at all. */
function decodeLasts(params: URLSearchParams, channelCount: number): (number | null)[] | Refusal {
  const shown = params.getAll('last');
  if (shown.length > 1 && shown.length !== channelCount) {
    return refusal('bad-query', 'last= must stand once, or once for each channel=', 'last');
  }
  const lasts = shown.map((text) => (text === '' ? null : readNumber(text, 'last', REWIND_MAX)));
  const wrong = lasts.find((last) => typeof last === 'object' && last !== null);
  if (wrong !== undefined) return wrong as Refusal;
  const [first = null] = lasts as (number | null)[];
  return shown.length === channelCount
    ? (lasts as (number | null)[])
    : Array.from({ length: channelCount }, () => first);
}

/** One for each channel, or none at all. */
function decodeGrants(params: URLSearchParams, channelCount: number): (string | null)[] | Refusal {
  const shown = params.getAll('grant');
  if (shown.length === 0) return [];
  if (shown.length !== channelCount) {
    return refusal('bad-query', 'grant= must stand once for each channel=', 'grant');
  }
  if (shown.some((token) => token.length > TOKEN_MAX_BYTES)) {
    return refusal('bad-query', `grant= has at most ${TOKEN_MAX_BYTES} bytes`, 'grant');
  }
  return shown.map((token) => (token === '' ? null : token));
}

function channelsRefusal(channels: readonly string[]): Refusal | null {
  if (channels.length > CHANNELS_PER_URL_MAX) {
    const text = `a URL names at most ${CHANNELS_PER_URL_MAX} channels`;
    return refusal('too-many-channels', text, 'channel');
  }
  const wrong = channels.find((channel) => !isChannel(channel));
  if (wrong !== undefined) {
    return refusal('bad-channel', 'channel= must be a channel name', 'channel');
  }
  if (new Set(channels).size === channels.length) return null;
  return refusal('bad-query', 'channel= must name each channel once', 'channel');
}

function decodeNumber(params: URLSearchParams, name: string, max: number): number | null | Refusal {
  const text = params.get(name);
  return text === null ? null : readNumber(text, name, max);
}

function readNumber(text: string, name: string, max: number): number | Refusal {
  if (WHOLE_NUMBER.test(text) && Number(text) <= max) return Number(text);
  return refusal('bad-query', `${name}= must be a whole number from 0 to ${max}`, name);
}

type Decoded = Cursor | Refusal | number | readonly (string | number | null)[] | null;

function firstRefusal(...decoded: readonly Decoded[]): Refusal | null {
  for (const one of decoded) {
    if (typeof one === 'object' && one !== null && 'code' in one) return one;
  }
  return null;
}
