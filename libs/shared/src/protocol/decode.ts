/**
 * The one gate from unknown text to frames of clients. Pure: text in, frames or refusals out. Fields
 * that are not in the table are ignored, so that a newer client can talk to an older edge.
 */

import { type Code, refusal } from './codes.js';
import type { ClientFrame, Ref, RefusedFrame } from './frames.js';
import { elementStarts, rawMember } from './json-span.js';
import {
  EVENT_MAX_CHARS,
  FRAMES_PER_ARRAY_MAX,
  HISTORY_LIMIT_DEFAULT,
  HISTORY_LIMIT_MAX,
  IDEMPOTENCY_KEY_MAX_CHARS,
  MEMBERS_LIMIT_DEFAULT,
  MEMBERS_LIMIT_MAX,
  REF_MAX_CHARS,
  REWIND_MAX,
  TOKEN_MAX_BYTES,
} from './limits.js';
import { isChannel, isClientId } from './names.js';
import { isPosition, type Position } from './position.js';

type Fields = Readonly<Record<string, unknown>>;
type Decoder = (reader: FieldReader) => ClientFrame;

const CONTROL = /[\u0000-\u001f\u007f]/;

const DECODERS: Readonly<Record<ClientFrame['type'], Decoder>> = {
  subscribe(read) {
    const frame = {
      type: 'subscribe' as const,
      ref: read.ref(),
      channel: read.channel(),
      ...read.optional('after', position),
      ...read.optional('last', integer(0, REWIND_MAX)),
      ...read.optional('token', text(TOKEN_MAX_BYTES)),
    };
    read.refuseBoth('after', 'last');
    return frame;
  },
  unsubscribe(read) {
    return { type: 'unsubscribe', ref: read.ref(), channel: read.channel() };
  },
  publish(read) {
    return {
      type: 'publish',
      ref: read.ref(),
      channel: read.channel(),
      data: read.raw('data'),
      ...read.optional('event', text(EVENT_MAX_CHARS)),
      ...read.optional('key', text(IDEMPOTENCY_KEY_MAX_CHARS)),
    };
  },
  history(read) {
    const frame = {
      type: 'history' as const,
      ref: read.ref(),
      channel: read.channel(),
      ...read.optional('after', position),
      ...read.optional('before', position),
      limit: HISTORY_LIMIT_DEFAULT,
      ...read.optional('limit', integer(1, HISTORY_LIMIT_MAX)),
    };
    read.refuseBoth('after', 'before');
    return frame;
  },
  members(read) {
    return {
      type: 'members',
      ref: read.ref(),
      channel: read.channel(),
      ...read.optional('after', member),
      limit: MEMBERS_LIMIT_DEFAULT,
      ...read.optional('limit', integer(1, MEMBERS_LIMIT_MAX)),
    };
  },
  ack(read) {
    return { type: 'ack', id: read.required('id', position) };
  },
  auth(read) {
    return { type: 'auth', ref: read.ref(), token: read.required('token', text(TOKEN_MAX_BYTES)) };
  },
  ping() {
    return { type: 'ping' };
  },
};

/**
 * @param frameText one frame, or an array of up to `FRAMES_PER_ARRAY_MAX`
 * @returns one entry per frame, in order; a bad frame does not spoil the others
 */
export function decodeClientText(frameText: string): (ClientFrame | RefusedFrame)[] {
  let value: unknown;
  try {
    value = JSON.parse(frameText);
  } catch {
    return [refuse('bad-json')];
  }
  if (!Array.isArray(value)) return [decodeOne(value, frameText, 0)];
  if (value.length > FRAMES_PER_ARRAY_MAX) {
    return [refuse('too-many-frames', `an array holds at most ${FRAMES_PER_ARRAY_MAX} frames`)];
  }
  const starts = elementStarts(frameText);
  return value.map((element, index) => decodeOne(element, frameText, starts[index] ?? 0));
}

function decodeOne(value: unknown, source: string, start: number): ClientFrame | RefusedFrame {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('bad-frame', 'a frame is a JSON object');
  }
  const reader = new FieldReader(value as Fields, source, start);
  try {
    return reader.decoder()(reader);
  } catch (error) {
    if (error instanceof FieldError) return reader.refused(error);
    throw error;
  }
}

function refuse(code: Code, message?: string): RefusedFrame {
  return { type: 'refused', ...refusal(code, message) };
}

/** Says whether a value is allowed, and if not, why. */
interface FieldType<T> {
  readonly code: Code;
  readonly allowed: string;
  accepts(value: unknown): value is T;
}

const ref: FieldType<Ref> = {
  code: 'bad-field',
  allowed: `a string of 1-${REF_MAX_CHARS} characters or an integer from 0`,
  accepts: (value): value is Ref =>
    typeof value === 'string'
      ? value.length > 0 && value.length <= REF_MAX_CHARS
      : Number.isSafeInteger(value) && (value as number) >= 0,
};

const channelName: FieldType<string> = {
  code: 'bad-channel',
  allowed: '1-200 characters of A-Z a-z 0-9 _ - = @ , . ; : ~',
  accepts: isChannel,
};

const position: FieldType<Position> = {
  code: 'bad-position',
  allowed: 'a position as an edge gave it',
  accepts: isPosition,
};

const member: FieldType<string> = {
  code: 'bad-field',
  allowed: 'a client name',
  accepts: isClientId,
};

function integer(min: number, max: number): FieldType<number> {
  return {
    code: 'bad-field',
    allowed: `an integer from ${min} to ${max}`,
    accepts: (value): value is number =>
      Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

function text(maxChars: number): FieldType<string> {
  return {
    code: 'bad-field',
    allowed: `a string of 1-${maxChars} characters without control characters`,
    accepts: (value): value is string =>
      typeof value === 'string' &&
      value.length > 0 &&
      value.length <= maxChars &&
      !CONTROL.test(value) &&
      value.isWellFormed(),
  };
}

class FieldError extends Error {
  readonly code: Code;
  readonly field: string;

  constructor(code: Code, field: string, message: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

class FieldReader {
  readonly #fields: Fields;
  readonly #source: string;
  readonly #start: number;

  constructor(fields: Fields, source: string, start: number) {
    this.#fields = fields;
    this.#source = source;
    this.#start = start;
  }

  decoder(): Decoder {
    const type = this.#own('type');
    if (type === undefined) throw new FieldError('missing-field', 'type', '"type" is missing');
    if (typeof type !== 'string' || !Object.hasOwn(DECODERS, type)) {
      throw new FieldError('unknown-type', 'type', '"type" names no frame of a client');
    }
    return DECODERS[type as ClientFrame['type']];
  }

  ref(): Ref {
    return this.required('ref', ref);
  }

  channel(): string {
    return this.required('channel', channelName);
  }

  required<T>(field: string, type: FieldType<T>): T {
    const value = this.#own(field);
    if (value === undefined) throw new FieldError('missing-field', field, `"${field}" is missing`);
    if (!type.accepts(value)) throw notAllowed(field, type);
    return value;
  }

  optional<F extends string, T>(field: F, type: FieldType<T>): { [K in F]?: T } {
    const value = this.#own(field);
    if (value === undefined) return {};
    if (!type.accepts(value)) throw notAllowed(field, type);
    return { [field]: value } as { [K in F]?: T };
  }

  raw(field: string): string {
    const value = rawMember(this.#source, field, this.#start);
    if (value === undefined) throw new FieldError('missing-field', field, `"${field}" is missing`);
    return value;
  }

  refuseBoth(one: string, other: string): void {
    if (this.#own(one) === undefined || this.#own(other) === undefined) return;
    throw new FieldError('bad-field', other, `"${other}" does not go together with "${one}"`);
  }

  /** The refusal carries `ref` and `channel` where they are usable, so that the client can match it. */
  refused(error: FieldError): RefusedFrame {
    const { code, message, field } = error;
    const givenRef = this.#own('ref');
    const givenChannel = this.#own('channel');
    return {
      type: 'refused',
      ...refusal(code, message, field),
      ...(ref.accepts(givenRef) && { ref: givenRef }),
      ...(channelName.accepts(givenChannel) && { channel: givenChannel }),
    };
  }

  #own(field: string): unknown {
    return Object.hasOwn(this.#fields, field) ? this.#fields[field] : undefined;
  }
}

function notAllowed<T>(field: string, type: FieldType<T>): FieldError {
  return new FieldError(type.code, field, `"${field}" must be ${type.allowed}`);
}
