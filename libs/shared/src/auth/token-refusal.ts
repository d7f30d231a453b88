import type { Refusal } from '../protocol/index.js';

/** Why a token is not taken. The message names the fault and holds nothing of the token. */
export interface TokenRefusal extends Refusal {
  readonly code: 'bad-token' | 'token-expired';
}

export function badToken(message: string): TokenRefusal {
  return { code: 'bad-token', message };
}

export function tokenExpired(): TokenRefusal {
  return { code: 'token-expired', message: 'the token has expired' };
}

/** Tells a refusal from what it stands in for. */
export function isTokenRefusal<Result extends object>(
  result: Result | TokenRefusal,
): result is TokenRefusal {
  return 'code' in result;
}
