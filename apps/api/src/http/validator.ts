/** Bodies against their schemas: a compiled check, and on failure one refusal that names the field. */

import { type Refusal, refusal } from '@halley/shared/protocol';
import { ALLOWED } from './schemas.js';
import { Compile, type TLocalizedValidationError, type TSchema } from './typebox.js';

/** Characters of a caller's own field name that a refusal repeats. */
const ECHO_MAX_CHARS = 100;
/** Follow from another error, which says more. */
const CONSEQUENCES = new Set(['boolean', 'anyOf']);

/**
 * @param what is checked, for refusals of the whole
 * @returns a check that gives null where the value is as the schema says
 */
export function bodyCheck(schema: TSchema, what = 'the body'): (value: unknown) => Refusal | null {
  const validator = Compile(schema);
  return (value) => (validator.Check(value) ? null : firstRefusal(validator.Errors(value), what));
}

function firstRefusal(errors: readonly TLocalizedValidationError[], what: string): Refusal {
  const error = errors.find(({ keyword }) => !CONSEQUENCES.has(keyword)) ?? errors[0];
  if (error === undefined) return refusal('bad-field');
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  if (error.keyword === 'required') {
    const field = fieldName([...path, error.params.requiredProperties[0] ?? '']);
    return refusal('missing-field', `"${field}" is missing`, field);
  }
  if (error.keyword === 'additionalProperties') {
    const field = fieldName([...path, error.params.additionalProperties[0] ?? '']);
    return refusal('bad-field', `"${field}" is not a field of this call`, field);
  }
  if (path.length === 0) return refusal('bad-field', `${what} ${error.message}`);
  const field = fieldName(path);
  return refusal('bad-field', `"${field}" ${expectation(error)}`, field);
}

function expectation(error: TLocalizedValidationError): string {
  if (error.keyword !== 'format') return error.message;
  const format = error.params.format;
  return Object.hasOwn(ALLOWED, format)
    ? `must be ${ALLOWED[format as keyof typeof ALLOWED]}`
    : error.message;
}

function fieldName(path: readonly string[]): string {
  return path.join('.').slice(0, ECHO_MAX_CHARS).toWellFormed();
}

/** RFC 6901. */
function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
