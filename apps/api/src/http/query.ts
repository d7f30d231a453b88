import type { HttpRequest } from 'uWebSockets.js';
import { type Refusal, refusal } from '@halley/shared/protocol';
import type { Parameters } from './parameters.js';

/** Parsed values by name, or the refusal of the first that is not allowed. */
export type ParsedParameters =
  | { readonly values: Readonly<Record<string, unknown>> }
  | { readonly refused: Refusal };

/**
 * Unknown and repeated parameters are refused: one that is silently ignored (a misspelt `after`) gives
 * answers to another question.
 */
export function parseQuery(text: string, parameters: Parameters): ParsedParameters {
  const given = new Map<string, string>();
  if (text !== '') {
    for (const pair of text.split('&')) {
      const equals = pair.indexOf('=');
      const name = equals === -1 ? pair : pair.slice(0, equals);
      if (!Object.hasOwn(parameters, name)) return refuse(name, 'is not a parameter of this call');
      if (given.has(name)) return refuse(name, 'is given twice');
      given.set(name, equals === -1 ? '' : pair.slice(equals + 1));
    }
  }
  return valuesOf(given, parameters);
}

function valuesOf(given: ReadonlyMap<string, string>, parameters: Parameters): ParsedParameters {
  const values: Record<string, unknown> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const raw = given.get(name);
    if (raw === undefined) {
      if (parameter.fallback === undefined) return refuse(name, 'is missing');
      values[name] = parameter.fallback.value;
      continue;
    }
    const value = parameter.parse(raw);
    if (value === undefined) {
      return { refused: refusal(parameter.code, `"${name}" must be ${parameter.allowed}`, name) };
    }
    values[name] = value;
  }
  return { values };
}

/** The parameters stand in the table in the order of the path. */
export function parsePath(parameters: Parameters, request: HttpRequest): ParsedParameters {
  const values: Record<string, unknown> = {};
  let index = 0;
  for (const name in parameters) {
    const parameter = parameters[name];
    const value = parameter?.parse(request.getParameter(index));
    if (parameter !== undefined && value === undefined) {
      return { refused: refusal(parameter.code, `"${name}" must be ${parameter.allowed}`, name) };
    }
    values[name] = value;
    index += 1;
  }
  return { values };
}

function refuse(name: string, what: string): ParsedParameters {
  const field = name.slice(0, 100).toWellFormed();
  return { refused: refusal('bad-query', `"${field}" ${what}`, field) };
}
