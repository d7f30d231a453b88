import { isUtf8 } from 'node:buffer';
import { TOKEN_MAX_BYTES } from '../protocol/index.js';
import { parseObject } from './json-object.js';
import { badToken, type TokenRefusal } from './token-refusal.js';

/** A token cut at its dots. Nothing in it is verified. */
export interface TokenParts {
  readonly algorithm: string;
  /** Header and payload as they were signed. */
  readonly signed: string;
  readonly payload: string;
  readonly signature: string;
}

/** Node's decoder skips what is no base64url, so the alphabet is held here. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Headers seen; a signer writes the same few bytes each time, so most are not parsed again. */
const HEADERS_MAX = 64;
const HEADER_MAX_CHARS = 256;
const algorithms = new Map<string, string>();

export function splitToken(token: string): TokenParts | TokenRefusal {
  if (token.length > TOKEN_MAX_BYTES) {
    return badToken(`the token has more than ${TOKEN_MAX_BYTES} bytes`);
  }
  if (!COMPACT_JWS.test(token)) {
    return badToken('the token is not three base64url parts joined by dots');
  }
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  const algorithm = algorithmOf(token.slice(0, first));
  if (algorithm === null) return badToken('the header of the token is not valid');
  return {
    algorithm,
    signed: token.slice(0, second),
    payload: token.slice(first + 1, second),
    signature: token.slice(second + 1),
  };
}

/** The text of a base64url part, or null where its bytes are no UTF-8. */
export function textOf(part: string): string | null {
  const bytes = Buffer.from(part, 'base64url');
  return isUtf8(bytes) ? bytes.toString() : null;
}

function algorithmOf(header: string): string | null {
  const known = algorithms.get(header);
  if (known !== undefined) return known;
  const parsed = parseObject(textOf(header) ?? '');
  // `crit` names extensions that must be understood, and none is (RFC 7515, 4.1.11).
  if (parsed === null || parsed['crit'] !== undefined) return null;
  const { alg } = parsed;
  if (typeof alg !== 'string') return null;
  remember(header, alg);
  return alg;
}

function remember(header: string, algorithm: string): void {
  if (header.length > HEADER_MAX_CHARS) return;
  // Anybody can send new headers: the table is cheap to lose, and must not grow.
  if (algorithms.size >= HEADERS_MAX) algorithms.clear();
  // Through a buffer, so that the key does not keep the whole token in memory as its parent.
  algorithms.set(Buffer.from(header, 'latin1').toString('latin1'), algorithm);
}
