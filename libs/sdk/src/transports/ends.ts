import { type Advice, adviceOf } from '@halley/shared/protocol';
import type { LinkEnd } from './transport.js';

/** The edge gave no reason, or none that could be read. */
export const LOST: LinkEnd = { advice: 'reconnect' };

/** An end by this number. @param reason `<code>`, or `<code>: <text>` */
export function endOf(close: number, reason: string): LinkEnd {
  const code = reason.split(':')[0] || undefined;
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
