import { CHANNELS_PER_URL_MAX, isChannel, type RawJson, refusal } from '@halley/shared/protocol';
import { detached } from '../native-http/decode.js';
import { type DpsRefusal, refusalNamed } from './errors.js';

/** Bytes of a session's name: it becomes part of a Redis key. */
export const SESSION_MAX_BYTES = 200;

const POLL_SEQ = /^\d{1,15}$/;
/** Microseconds since 1970 have 16 digits. */
const SOCKET_SEQ = /^\d{1,16}$/;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface PollAsked {
  readonly channels: readonly string[];
  readonly session: string;
  /** Number of messages that the session had with the answers before. */
  readonly seq: number;
}

export interface SocketAsked {
  readonly channels: readonly string[];
  /** Time stamp of the last message that the client has; 0: none. */
  readonly since: number;
}

export interface PushAsked {
  readonly channel: string;
  readonly data: RawJson;
}

export function decodePoll(query: string): PollAsked | DpsRefusal {
  const params = new URLSearchParams(query);
  const channels = decodeChannels(params);
  if ('code' in channels) return channels;
  const session = params.get('session') ?? '';
  if (session === '') return refusalNamed('no_session', 'bad-query', 'session= is missing');
  if (Buffer.byteLength(session) > SESSION_MAX_BYTES) {
    const text = `session= has at most ${SESSION_MAX_BYTES} bytes`;
    return refusalNamed('bad_session', 'bad-query', text);
  }
  const seq = params.get('seq') ?? '0';
  if (!POLL_SEQ.test(seq)) return badSeq('as an answer gave it');
  return { channels, session: detached(session), seq: Number(seq) };
}

export function decodeSocket(query: string): SocketAsked | DpsRefusal {
  const params = new URLSearchParams(query);
  const channels = decodeChannels(params);
  if ('code' in channels) return channels;
  const seq = params.get('seq') ?? '0';
  if (!SOCKET_SEQ.test(seq)) return badSeq('a time in microseconds');
  return { channels, since: Number(seq) };
}

/** @param body null: it had too many bytes */
export function decodePush(query: string, body: Uint8Array | null): PushAsked | DpsRefusal {
  const channel = new URLSearchParams(query).get('channel') ?? '';
  if (channel === '') return refusalNamed('no_channel', 'bad-query', 'channel= is missing');
  if (!isChannel(channel)) return refusal('bad-channel', 'channel= must be a channel name');
  if (body === null) return refusal('body-too-large');
  try {
    const data = decoder.decode(body);
    JSON.parse(data);
    // What stands around the value is not part of it.
    return { channel, data: data.trim() };
  } catch {
    return refusal('bad-json', 'the body must be one JSON value in UTF-8');
  }
}

/** Each once, in the order in which they are named first. */
function decodeChannels(params: URLSearchParams): readonly string[] | DpsRefusal {
  const list = params.get('channels') ?? '';
  if (list === '') return refusalNamed('no_channels', 'bad-query', 'channels= is missing');
  // Another part more than there may be shows that there are too many.
  const channels = [...new Set(list.split(',', CHANNELS_PER_URL_MAX + 1))];
  if (channels.length > CHANNELS_PER_URL_MAX) {
    const text = `channels= names at most ${CHANNELS_PER_URL_MAX} channels`;
    return refusal('too-many-channels', text);
  }
  if (channels.every(isChannel)) return channels.map(detached);
  return refusal('bad-channel', 'channels= must be channel names with commas between them');
}

function badSeq(what: string): DpsRefusal {
  return refusalNamed('bad_seq', 'bad-query', `seq= must be ${what}`);
}
