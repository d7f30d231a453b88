import type { KeyObject } from 'node:crypto';
import { type Claims, readClaims } from './claims.js';
import { TokenCache } from './token-cache.js';
import { splitToken, type TokenParts, textOf } from './token-header.js';
import { hmacKey, isHmacAlgorithm, verifyHmac } from './token-hmac.js';
import type { TokenKeys } from './token-keys.js';
import { createSignatureCheck, isPublicAlgorithm, type SignatureCheck } from './token-public.js';
import { badToken, isTokenRefusal, type TokenRefusal, tokenExpired } from './token-refusal.js';
import { isExpired } from './token-times.js';

export interface TokenSettings {
  /** Signs and verifies HS256, HS384 and HS512. */
  readonly secret?: string;
  /** Verifies RS256, ES256 and EdDSA, each by a key of its type only. */
  readonly keys?: TokenKeys;
  readonly issuer?: string;
  readonly audience?: string;
  /** How far ahead `exp` may lie. */
  readonly maxSeconds: number;
  /** How often an edge reads the revocations again. */
  readonly revokedReloadMs: number;
}

export type VerifyResult = Claims | TokenRefusal;

export interface TokenVerifier {
  /**
   * HMAC tokens and recently verified ones are answered at once, others by a promise that never
   * rejects. Revocations are not looked at here.
   */
  verify(token: string, nowMs: number): VerifyResult | Promise<VerifyResult>;
}

const WRONG_SIGNATURE = badToken('the signature of the token is wrong');
const NO_KEYS = badToken('the keys to verify the token cannot be had now');

/**
 * The configured keys decide which algorithms there are; the token's header only picks among them,
 * so neither `none` nor an HMAC made with a public key finds a way in.
 */
export function createTokenVerifier(settings: TokenSettings): TokenVerifier {
  return new ConfiguredVerifier(settings);
}

class ConfiguredVerifier implements TokenVerifier {
  readonly #settings: TokenSettings;
  readonly #secretKey: KeyObject | null;
  readonly #checkSignature: SignatureCheck | null;
  readonly #cache = new TokenCache();

  constructor(settings: TokenSettings) {
    // Anybody can sign with an empty secret.
    if (settings.secret === '') throw new RangeError('the token secret is empty');
    this.#settings = settings;
    this.#secretKey = settings.secret === undefined ? null : hmacKey(settings.secret);
    this.#checkSignature = settings.keys === undefined ? null : createSignatureCheck(settings.keys);
  }

  verify(token: string, nowMs: number): VerifyResult | Promise<VerifyResult> {
    const parts = splitToken(token);
    if (isTokenRefusal(parts)) return parts;
    if (this.#secretKey !== null && isHmacAlgorithm(parts.algorithm)) {
      return this.#verifyHmac(parts, this.#secretKey, nowMs);
    }
    const check = this.#checkSignature;
    if (check !== null && isPublicAlgorithm(parts.algorithm)) {
      return this.#knownClaims(token, nowMs) ?? this.#verifyPublic(token, parts, check, nowMs);
    }
    return badToken('the algorithm of the token is not accepted here');
  }

  #verifyHmac(parts: TokenParts, key: KeyObject, nowMs: number): VerifyResult {
    if (!verifyHmac(parts.algorithm, key, parts.signed, parts.signature)) return WRONG_SIGNATURE;
    return this.#readClaims(parts, nowMs);
  }

  #knownClaims(token: string, nowMs: number): VerifyResult | null {
    const claims = this.#cache.get(token, nowMs);
    if (claims === null) return null;
    return isExpired(claims.expiresAtSeconds, nowMs) ? tokenExpired() : claims;
  }

  async #verifyPublic(
    token: string,
    parts: TokenParts,
    check: SignatureCheck,
    nowMs: number,
  ): Promise<VerifyResult> {
    const signature = await check(token, parts.algorithm);
    if (signature === 'no-keys') return NO_KEYS;
    if (signature === 'bad') return WRONG_SIGNATURE;
    const claims = this.#readClaims(parts, nowMs);
    if (!isTokenRefusal(claims)) this.#cache.set(token, claims, nowMs);
    return claims;
  }

  #readClaims(parts: TokenParts, nowMs: number): VerifyResult {
    const payload = textOf(parts.payload);
    if (payload === null) return badToken('the payload of the token is not UTF-8');
    return readClaims(payload, this.#settings, nowMs);
  }
}
