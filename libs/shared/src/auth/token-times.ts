import { badToken, type TokenRefusal, tokenExpired } from './token-refusal.js';

/** Clocks of signer and edge may differ by this much. */
export const TOKEN_LEEWAY_SECONDS = 30;

/** The time claims of a token that is valid now, unix seconds. */
export interface TokenTimes {
  readonly exp: number;
  readonly iat?: number;
}

export function isExpired(expiresAtSeconds: number, nowMs: number): boolean {
  return nowMs / 1_000 >= expiresAtSeconds + TOKEN_LEEWAY_SECONDS;
}

/** @param maxSeconds how far ahead `exp` may lie */
export function readTimes(
  { exp, nbf, iat }: Record<string, unknown>,
  maxSeconds: number,
  nowMs: number,
): TokenTimes | TokenRefusal {
  const latestNow = nowMs / 1_000 + TOKEN_LEEWAY_SECONDS;
  if (exp === undefined) return badToken('the token has no exp');
  if (!isTime(exp)) return badToken('exp of the token is not a number of seconds');
  if (isExpired(exp, nowMs)) return tokenExpired();
  if (exp > latestNow + maxSeconds) {
    return badToken(`exp of the token is more than ${maxSeconds} seconds ahead`);
  }
  if (nbf !== undefined) {
    if (!isTime(nbf)) return badToken('nbf of the token is not a number of seconds');
    if (nbf > latestNow) return badToken('the token is not valid yet (nbf)');
  }
  if (iat === undefined) return { exp };
  if (!isTime(iat)) return badToken('iat of the token is not a number of seconds');
  if (iat > latestNow) return badToken('iat of the token is in the future');
  return { exp, iat };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
