import { closeNumber, problemHeaders, type Refusal, refusal } from '@halley/shared/protocol';
import type { Headers, HttpReply } from '../../core/ports/http.js';
import { DRAINING, statusLineOf } from '../native-http/errors.js';

export const COMMON_HEADERS: Headers = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
];

const RETRY_AFTER_MS = 1_000;

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
  if (close >= 4300 && close <= 4399) return refusal('bad-token', 'the token holds no longer');
  if (close === closeNumber('draining')) return DRAINING;
  if (close >= 4100 && close <= 4299) {
    return { ...refusal('unavailable'), retryAfterMs: RETRY_AFTER_MS };
  }
  return refusal('forbidden', 'the operator ended this request');
}
