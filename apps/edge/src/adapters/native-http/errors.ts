import { STATUS_CODES } from 'node:http';
import {
  PROBLEM_TYPE,
  problemHeaders,
  problemText,
  type Refusal,
  refusal,
  statusOf,
} from '@halley/shared/protocol';
import type { Headers, HttpReply } from '../../core/ports/http.js';

/** An edge that takes nobody any more; the next one is asked on a new connection. */
export const DRAINING: Refusal = { ...refusal('draining'), retryAfterMs: 1_000 };

export function statusLineOf(refused: Refusal): string {
  const status = statusOf(refused.code);
  return `${status} ${STATUS_CODES[status] ?? 'Error'}`;
}

export function answerProblem(reply: HttpReply, refused: Refusal, headers: Headers): void {
  reply.answer(
    statusLineOf(refused),
    [['Content-Type', PROBLEM_TYPE], ...headers, ...problemHeaders(refused)],
    problemText(refused),
    refused.code === 'draining',
  );
}
