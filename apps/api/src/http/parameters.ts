/** Parameters of paths and queries: text in, value out, and the code of the refusal in between. */

import {
  type Code,
  isChannel,
  isClientId,
  isPosition,
  type Position,
} from '@halley/shared/protocol';
import { ALLOWED, ChannelName, ClientId, PositionText } from './schemas.js';
import Type, { type TSchema } from './typebox.js';

export interface Parameter<T> {
  readonly schema: TSchema;
  readonly description: string;
  /** Code of the refusal when the text is not allowed. */
  readonly code: Code;
  readonly allowed: string;
  /** What an absent query parameter stands for; without it the parameter is required. */
  readonly fallback?: { readonly value: T };
  /** @param raw as it stands in the URL, percent-escapes and all */
  parse(raw: string): T | undefined;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

export type Parsed<P extends Parameters> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

export const channel: Parameter<string> = {
  schema: ChannelName,
  description: 'Name of a channel.',
  code: 'bad-channel',
  allowed: ALLOWED.channel,
  parse: (raw) => accepted(decodePercent(raw), isChannel),
};

export const client: Parameter<string> = {
  schema: ClientId,
  description: 'Name of a client.',
  code: 'bad-client',
  allowed: ALLOWED['client-id'],
  parse: (raw) => accepted(decodePercent(raw), isClientId),
};

/** Ids that Halley gave: whatever else stands there names nothing. */
export function given(description: string, pattern: RegExp): Parameter<string> {
  return {
    schema: Type.String(),
    description,
    code: 'not-found',
    allowed: 'an id as Halley gave it',
    parse: (raw) => (pattern.test(raw) ? raw : undefined),
  };
}

export function position(description: string): Parameter<Position | undefined> {
  return optional({
    schema: PositionText,
    description,
    code: 'bad-position',
    allowed: ALLOWED.position,
    parse: (raw) => accepted(decodeQuery(raw), isPosition),
  });
}

export function limit(fallback: number, maximum: number): Parameter<number> {
  return {
    schema: Type.Integer({ minimum: 1, maximum, default: fallback }),
    description: 'How many items at most.',
    code: 'bad-query',
    allowed: `an integer from 1 to ${maximum}`,
    fallback: { value: fallback },
    parse: (raw) =>
      accepted(/^\d{1,9}$/.test(raw) ? Number(raw) : 0, (n) => n >= 1 && n <= maximum),
  };
}

/** The name after which a list goes on. */
export function after(name: Parameter<string>): Parameter<string | undefined> {
  return optional({
    ...name,
    description: 'The list goes on after this name.',
    code: 'bad-query',
    parse: (raw) => name.parse(raw.replaceAll('+', '%20')),
  });
}

export function channelPrefix(): Parameter<string | undefined> {
  return optional({ ...channel, description: 'What the names begin with.', code: 'bad-query' });
}

/** Names between commas; a comma of a name is written `%2C`. */
export function clientList(maximum: number): Parameter<string[]> {
  return {
    schema: Type.Array(ClientId, { minItems: 1, maxItems: maximum }),
    description: `Up to ${maximum} names with commas between them, each percent-encoded by itself.`,
    code: 'bad-query',
    allowed: `1 to ${maximum} client names with commas between them, each ${ALLOWED['client-id']}`,
    parse(raw) {
      const parts = raw.split(',', maximum + 1);
      if (parts.length > maximum) return undefined;
      const names = parts.map((part) => accepted(decodeQuery(part), isClientId));
      return names.every((name) => name !== undefined) ? names : undefined;
    },
  };
}

function optional<T>(parameter: Parameter<T>): Parameter<T | undefined> {
  return { ...parameter, fallback: { value: undefined } };
}

function accepted<T, U extends T>(
  value: T | undefined,
  accepts: ((value: T) => value is U) | ((value: T) => boolean),
): T | undefined {
  return value !== undefined && accepts(value) ? value : undefined;
}

function decodePercent(raw: string): string | undefined {
  if (!raw.includes('%')) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

/** In a query `+` is a space, as forms and URLSearchParams write it. */
function decodeQuery(raw: string): string | undefined {
  return decodePercent(raw.replaceAll('+', '%20'));
}
