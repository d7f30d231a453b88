import {
  adviceOf,
  closeNumber,
  problemHeaders,
  type Refusal,
  refusal,
} from '@halley/shared/protocol';
import type { Headers, HttpReply } from '../../core/ports/http.js';
import { DRAINING, statusLineOf } from '../native-http/errors.js';

const COMMON_HEADERS: Headers = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
];
export const SCRIPT_HEADERS: Headers = [
  ['Content-Type', 'text/javascript; charset=utf-8'],
  ...COMMON_HEADERS,
];

const RETRY_AFTER_MS = 1_000;
const TOKEN_ENDS = ['token-expired', 'token-revoked'] as const;

/** Text, which no script tag runs. Every answer of this door is the last on its socket. */
export function answerRefusal(reply: HttpReply, refused: Refusal): void {
  reply.answer(
    statusLineOf(refused),
    [['Content-Type', 'text/plain; charset=utf-8'], ...COMMON_HEADERS, ...problemHeaders(refused)],
    `${refused.code}: ${refused.message}\n`,
    true,
  );
}

/** Why a parked request ends without a message, by the number that a WebSocket would be closed with. */
export function refusalOfClose(close: number): Refusal {
  if (close === closeNumber('draining')) return DRAINING;
  const advice = adviceOf(close);
  if (advice === 'stop') return refusal('forbidden', 'the operator ended this request');
  if (advice === 'renew-token') {
    return refusal(TOKEN_ENDS.find((code) => closeNumber(code) === close) ?? 'bad-token');
  }
  return { ...refusal('unavailable'), retryAfterMs: RETRY_AFTER_MS };
}
