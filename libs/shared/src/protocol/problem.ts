/** RFC 9457 problem+json: the one shape of every error answer over HTTP. */

import { CODES, type Refusal, statusOf } from './codes.js';

export const PROBLEM_TYPE = 'application/problem+json';

export function problemText(refused: Refusal, requestId?: string): string {
  return JSON.stringify({
    type: `urn:halley:error:${refused.code}`,
    title: CODES[refused.code].text,
    status: statusOf(refused.code),
    code: refused.code,
    detail: refused.message,
    ...(refused.field !== undefined && { field: refused.field }),
    ...(requestId !== undefined && { requestId }),
  });
}

/** Headers that the status of a refusal asks for (RFC 9110). */
export function problemHeaders(refused: Refusal): [name: string, value: string][] {
  const headers: [string, string][] = [];
  if (refused.retryAfterMs !== undefined) {
    headers.push(['retry-after', String(Math.ceil(refused.retryAfterMs / 1_000))]);
  }
  if (statusOf(refused.code) === 401) headers.push(['www-authenticate', 'Bearer']);
  return headers;
}
