import { type Advice, adviceOf } from '@halley/shared/protocol';
import type { LinkEnd } from './transport.js';

/** The edge gave no reason, or none that could be read. */
export const LOST: LinkEnd = { advice: 'reconnect' };

/** The codes behind the numbers of `goodbye`; any other number is an operator's. */
const CODES: Readonly<Record<number, string>> = {
  4100: 'presence-unavailable',
  4200: 'slow-reader',
  4201: 'draining',
  4300: 'token-expired',
  4301: 'bad-token',
  4302: 'token-revoked',
};

/** An end by this number. */
export function endOf(close: number, code = CODES[close] ?? 'disconnected'): LinkEnd {
  return close < 4000 ? LOST : { code, advice: adviceOf(close), isAnswer: true };
}

/** A request that was refused by this code. */
export function refusedBy(code: string | undefined, retryAfterMs?: number | undefined): LinkEnd {
  return { code, advice: adviceAfter(code ?? ''), retryAfterMs, isAnswer: code !== undefined };
}

function adviceAfter(code: string): Advice {
  if (/token/.test(code)) return 'renew-token';
  if (code === 'draining') return 'resume';
  return /^(bad|origin|forbidden)/.test(code) ? 'stop' : 'reconnect';
}
