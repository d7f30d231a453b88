/** RFC 9457 problem+json: the one shape of every error answer. */

import { CODES, type Code, type Refusal, statusOf } from '@halley/shared/protocol';
import Type from 'typebox';

export const PROBLEM_TYPE = 'application/problem+json';

export const Problem = Type.Object({
  type: Type.String({ description: 'Names the kind of error: `urn:halley:error:<code>`.' }),
  title: Type.String({ description: 'The same for every error of this code.' }),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  code: Type.Enum(Object.keys(CODES) as Code[]),
  detail: Type.String({ description: 'What was wrong this time.' }),
  field: Type.Optional(Type.String({ description: 'The field or parameter that is refused.' })),
  requestId: Type.String({ description: 'Also in `x-request-id`, and in the log of the server.' }),
});

export function problemText(refused: Refusal, requestId: string): string {
  return JSON.stringify({
    type: `urn:halley:error:${refused.code}`,
    title: CODES[refused.code].text,
    status: statusOf(refused.code),
    code: refused.code,
    detail: refused.message,
    ...(refused.field !== undefined && { field: refused.field }),
    requestId,
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
