/** What a verified token says, read strictly: a claim of a wrong type is refused, never guessed at. */

import { isChannel, isClientId, type RawJson, rawMember } from '../protocol/index.js';
import { parseObject } from './json-object.js';
import { sharedList } from './list-pool.js';
import { badToken, type TokenRefusal } from './token-refusal.js';
import { readTimes, type TokenTimes } from './token-times.js';

export interface Claims {
  readonly clientId: string;
  readonly jti?: string;
  readonly issuedAtSeconds?: number;
  readonly expiresAtSeconds: number;
  /** Channel patterns. An empty list is absent: neither grants anything. */
  readonly subscribe?: readonly string[];
  readonly publish?: readonly string[];
  readonly presence?: readonly string[];
  /** JSON text shown to the other members of a channel. */
  readonly info?: RawJson;
  /** The only channel that the token is for. */
  readonly channel?: string;
}

export interface ClaimRules {
  readonly issuer?: string;
  readonly audience?: string;
  /** How far ahead `exp` may lie. */
  readonly maxSeconds: number;
}

export const TOKEN_LIST_MAX_ITEMS = 64;
export const TOKEN_PATTERN_MAX_BYTES = 200;
export const TOKEN_ID_MAX_CHARS = 128;
/** Bytes of `info`: it is sent to every member of a channel. */
export const TOKEN_INFO_MAX_BYTES = 1_024;

/** White space of JSON that lies outside of strings. */
const STRING_OR_SPACE = /("(?:[^"\\]|\\.)*")|\s+/g;

/** @param payload the JSON text of the token, its signature already verified */
export function readClaims(
  payload: string,
  rules: ClaimRules,
  nowMs: number,
): Claims | TokenRefusal {
  const parsed = parseObject(payload);
  if (parsed === null) return badToken('the payload of the token is not a JSON object');
  const times = readTimes(parsed, rules.maxSeconds, nowMs);
  if ('code' in times) return times;
  return originProblem(parsed, rules) ?? toClaims(parsed, times, payload);
}

function originProblem(
  { iss, aud }: Record<string, unknown>,
  rules: ClaimRules,
): TokenRefusal | null {
  if (rules.issuer !== undefined && iss !== rules.issuer) {
    return badToken('iss of the token is not the configured issuer');
  }
  if (rules.audience === undefined || aud === rules.audience) return null;
  if (Array.isArray(aud) && aud.includes(rules.audience)) return null;
  return badToken('aud of the token is not the configured audience');
}

const LISTS = ['subscribe', 'publish', 'presence'] as const;

type Draft = { -readonly [Name in keyof Claims]: Claims[Name] };

/** Absent claims get no property: a million connections keep their claims. */
function toClaims(
  parsed: Record<string, unknown>,
  times: TokenTimes,
  payload: string,
): Claims | TokenRefusal {
  const { sub, jti, channel } = parsed;
  if (!isClientId(sub)) return badToken('sub of the token is not a client name');
  const claims: Draft = { clientId: sub, expiresAtSeconds: times.exp };
  if (times.iat !== undefined) claims.issuedAtSeconds = times.iat;
  if (jti !== undefined) {
    if (!isTokenId(jti)) return badToken('jti of the token is not a text of 1 to 128 characters');
    claims.jti = jti;
  }
  if (channel !== undefined) {
    if (!isChannel(channel)) return badToken('channel of the token is not a channel name');
    claims.channel = channel;
  }
  return addLists(claims, parsed) ?? addInfo(claims, parsed, payload) ?? claims;
}

function isTokenId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= TOKEN_ID_MAX_CHARS;
}

function addLists(claims: Draft, parsed: Record<string, unknown>): TokenRefusal | null {
  for (const name of LISTS) {
    const list = parsed[name];
    if (list === undefined) continue;
    if (!isPatternList(list)) {
      return badToken(
        `${name} of the token is not a list of at most ${TOKEN_LIST_MAX_ITEMS} texts ` +
          `of 1 to ${TOKEN_PATTERN_MAX_BYTES} bytes`,
      );
    }
    if (list.length > 0) claims[name] = sharedList(list);
  }
  return null;
}

function isPatternList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= TOKEN_LIST_MAX_ITEMS && value.every(isPattern);
}

function isPattern(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    Buffer.byteLength(value) <= TOKEN_PATTERN_MAX_BYTES
  );
}

function addInfo(
  claims: Draft,
  parsed: Record<string, unknown>,
  payload: string,
): TokenRefusal | null {
  if (parsed['info'] === undefined) return null;
  // Cut out, not printed anew: numbers beyond 2^53 keep their digits.
  const info = (rawMember(payload, 'info') ?? 'null').replace(STRING_OR_SPACE, '$1');
  const bytes = Buffer.from(info);
  if (bytes.length > TOKEN_INFO_MAX_BYTES) {
    return badToken(`info of the token has more than ${TOKEN_INFO_MAX_BYTES} bytes`);
  }
  // A copy: a slice would keep the whole payload in memory for as long as the connection lives.
  claims.info = bytes.toString();
  return null;
}
