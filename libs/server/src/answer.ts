/** Reads an answer: the value of a call, or the HalleyError that it stands for. */

import type { Code } from './api-types.js';
import { HalleyError } from './error.js';

const PROBLEM_TYPE = /^application\/problem\+json\b/;
const MS_PER_SECOND = 1_000;

/**
 * @param field that the answer has where it is one of Halley
 * @throws HalleyError
 */
export function readAnswer(response: Response, text: string, field: string): unknown {
  if (response.ok) {
    const answer = parse(text);
    return answer !== undefined && field in answer ? answer : fail(response, {});
  }
  const isProblem = PROBLEM_TYPE.test(response.headers.get('content-type') ?? '');
  return fail(response, (isProblem ? parse(text) : undefined) ?? {});
}

/** An object, else undefined: no answer of Halley is anything else. */
function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function fail({ status, headers }: Response, problem: Record<string, unknown>): never {
  const code = textOf(problem['code']);
  throw new HalleyError({
    code: code === undefined ? 'bad-answer' : (code as Code),
    message: textOf(problem['detail']) ?? `this is no answer of Halley (status ${status})`,
    status,
    field: textOf(problem['field']),
    retryAfterMs: retryAfterOf(headers.get('retry-after')),
    requestId: textOf(problem['requestId']) ?? headers.get('x-request-id') ?? undefined,
  });
}

function retryAfterOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) * MS_PER_SECOND : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
