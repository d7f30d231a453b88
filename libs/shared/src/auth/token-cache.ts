import { createHash } from 'node:crypto';
import type { Claims } from './claims.js';

/** About 8 MB of claims. */
export const TOKEN_CACHE_MAX_TOKENS = 20_000;
/**
 * A token is verified anew after this long: a key that was taken out of its JWKS must not go on
 * opening doors until the token's `exp`. Equal to the time for which jose keeps a key set.
 */
export const TOKEN_CACHE_MAX_MS = 600_000;

interface CachedToken {
  readonly claims: Claims;
  readonly verifiedAtMs: number;
}

/**
 * Verified tokens, the least recently used dropped first: in a reconnect storm a public-key
 * signature (126-198 us) costs a look-up. Tokens are known by their SHA-256, so that none can be
 * read out of memory.
 */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>();
  readonly #maxTokens: number;

  constructor(maxTokens = TOKEN_CACHE_MAX_TOKENS) {
    this.#maxTokens = maxTokens;
  }

  get size(): number {
    return this.#tokens.size;
  }

  /** The claims; whether they have expired since is the caller's to see. */
  get(token: string, nowMs: number): Claims | null {
    const digest = digestOf(token);
    const found = this.#tokens.get(digest);
    if (found === undefined) return null;
    this.#tokens.delete(digest);
    if (nowMs - found.verifiedAtMs >= TOKEN_CACHE_MAX_MS) return null;
    this.#tokens.set(digest, found);
    return found.claims;
  }

  set(token: string, claims: Claims, nowMs: number): void {
    if (this.#tokens.size >= this.#maxTokens) this.#dropOldest();
    this.#tokens.set(digestOf(token), { claims, verifiedAtMs: nowMs });
  }

  /** A Map keeps the order of insertion, and `get` inserts anew. */
  #dropOldest(): void {
    const oldest = this.#tokens.keys().next();
    if (oldest.done !== true) this.#tokens.delete(oldest.value);
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
