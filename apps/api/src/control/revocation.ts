/** Writes what every edge keeps a copy of: revoked tokens, revoked clients, bans. */

import { TOKEN_LEEWAY_SECONDS } from '@halley/shared/auth';
import { REVOKED_KEY, writing } from '@halley/shared/redis';
import type { Services } from './services.js';

/**
 * @param expiresAtSeconds when no token that this concerns can be valid any more
 * @throws RefusedError 503
 */
export async function revoke(
  { redis, edges }: Services,
  member: string,
  expiresAtSeconds: number,
): Promise<void> {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  await writing(redis.zremrangebyscore(REVOKED_KEY, '-inf', `(${nowSeconds}`));
  // GT: a shorter revocation of the same must not end a longer one.
  await writing(redis.zadd(REVOKED_KEY, 'GT', String(expiresAtSeconds), member));
  await writing(edges.tellAll({ type: 'revoked', member, expiresAtSeconds }));
}

/** When a token that is valid until `untilSeconds` can be accepted no more, clock skew included. */
export function lastUseSeconds(untilSeconds: number, maxSeconds: number): number {
  return Math.ceil(untilSeconds) + maxSeconds + 2 * TOKEN_LEEWAY_SECONDS;
}
