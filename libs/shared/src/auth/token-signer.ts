import { randomBase36 } from '../ops/id.js';
import type { RawJson } from '../protocol/index.js';
import { hmacKey, signHmac } from './token-hmac.js';

export const TOKEN_TTL_DEFAULT_SECONDS = 3_600;
const TOKEN_ID_CHARS = 12;

const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');

/** What a token is to say. The values are written as they are: the caller has checked them. */
export interface TokenRequest {
  readonly clientId: string;
  readonly ttlSeconds?: number;
  readonly subscribe?: readonly string[];
  readonly publish?: readonly string[];
  readonly presence?: readonly string[];
  /** JSON text; it gets into the token as it stands. */
  readonly info?: RawJson;
  readonly channel?: string;
  readonly issuer?: string;
  readonly audience?: string;
}

export interface SignedToken {
  readonly token: string;
  /** Names the token when it is to be revoked. */
  readonly jti: string;
  readonly expiresAtSeconds: number;
}

/** Signs an HS256 token. */
export function signToken(
  secret: string,
  request: TokenRequest,
  nowMs: number = Date.now(),
): SignedToken {
  const iat = Math.floor(nowMs / 1_000);
  const exp = iat + (request.ttlSeconds ?? TOKEN_TTL_DEFAULT_SECONDS);
  const jti = randomBase36(TOKEN_ID_CHARS);
  const { clientId, subscribe, publish, presence, channel, issuer, audience, info } = request;
  const payload = JSON.stringify({
    sub: clientId,
    iat,
    exp,
    jti,
    subscribe,
    publish,
    presence,
    channel,
    iss: issuer,
    aud: audience,
  });
  const signed = `${HEADER}.${Buffer.from(withInfo(payload, info)).toString('base64url')}`;
  const token = `${signed}.${signHmac('HS256', hmacKey(secret), signed)}`;
  return { token, jti, expiresAtSeconds: exp };
}

/** Spliced in as text, so that its numbers keep their digits. */
function withInfo(payload: string, info: RawJson | undefined): string {
  return info === undefined ? payload : `${payload.slice(0, -1)},"info":${info}}`;
}
