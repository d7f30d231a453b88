/** /openapi.json out of the table of routes. */

import { CODES, type Code, PROBLEM_TYPE, statusOf } from '@halley/shared/protocol';
import type { Parameter, Parameters } from './parameters.js';
import { Problem } from './problem.js';
import { type Route, refusalsOf } from './route.js';
import type { TSchema } from './typebox.js';

const REQUEST_ID = {
  'x-request-id': { schema: { type: 'string' }, description: 'Names this request in the log.' },
};
/** Headers that some statuses carry besides. */
const STATUS_HEADERS: Readonly<Record<number, object>> = {
  401: { 'www-authenticate': { schema: { type: 'string', const: 'Bearer' } } },
  429: { 'retry-after': { schema: { type: 'integer' }, description: 'Seconds.' } },
  503: { 'retry-after': { schema: { type: 'integer' }, description: 'Seconds.' } },
};

export function openApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    const operations = paths[path] ?? {};
    operations[route.method.toLowerCase()] = operationOf(route);
    paths[path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Halley', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }, { url: '/v1' }],
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key.' } },
      schemas: { Problem },
    },
  };
}

function operationOf(route: Route): object {
  const { operationId, summary, description, body } = route;
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    ...(route.role === 'public' ? { security: [] } : { 'x-role': route.role }),
    parameters: [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')],
    ...(body !== undefined && {
      requestBody: {
        required: route.bodyOptional !== true,
        content: { 'application/json': { schema: body } },
      },
    }),
    responses: { ...answersOf(route), ...problemsOf(route) },
  };
}

function parametersOf(parameters: Parameters, place: 'path' | 'query'): object[] {
  return Object.entries(parameters).map(([name, parameter]) => ({
    name,
    in: place,
    required: parameter.fallback === undefined,
    description: parameter.description,
    schema: parameter.schema,
    ...styleOf(parameter),
  }));
}

function styleOf(parameter: Parameter<unknown>): object {
  return Reflect.get(parameter.schema, 'type') === 'array' ? { style: 'form', explode: false } : {};
}

function answersOf(route: Route): Record<string, object> {
  const contentType = route.contentType ?? 'application/json';
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, schema]) => [
      status,
      {
        description: Reflect.get(schema, 'description') ?? route.summary,
        headers: REQUEST_ID,
        content: { [contentType]: { schema } },
      },
    ]),
  );
}

function problemsOf(route: Route): Record<string, object> {
  const byStatus = new Map<number, Code[]>();
  for (const code of refusalsOf(route)) {
    const status = statusOf(code);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [String(status), problemOf(status, codes)]),
  );
}

function problemOf(status: number, codes: readonly Code[]): object {
  const schema = {
    type: 'object',
    allOf: [{ $ref: '#/components/schemas/Problem' }],
    properties: { code: { enum: codes }, status: { const: status } },
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${CODES[code].text}`).join('; '),
    headers: { ...REQUEST_ID, ...STATUS_HEADERS[status] },
    content: { [PROBLEM_TYPE]: { schema: schema satisfies TSchema } },
  };
}
