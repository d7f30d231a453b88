/**
 * Writes libs/server/src/api-types.ts out of the description of the API. `--print` writes to stdout
 * instead. openapi-typescript would do it, but it needs TypeScript 5, and version 7 has no API for it.
 */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openApi } from '../apps/api/dist/http/openapi.js';
import { allRoutes } from '../apps/api/dist/routes/index.js';
import { loadSettings } from '../libs/shared/dist/config/index.js';
import { Metrics, VERSION } from '../libs/shared/dist/ops/index.js';
import { CODES } from '../libs/shared/dist/protocol/index.js';

const FILE = fileURLToPath(new URL('../libs/server/src/api-types.ts', import.meta.url));
const BIOME = fileURLToPath(new URL('../node_modules/@biomejs/biome/bin/biome', import.meta.url));
const JSON_TYPE = 'application/json';

/** Keywords that say nothing of a value's type, and those that `typeOf` reads. Others stop the script. */
const KNOWN = new Set([
  ...['description', 'format', 'default', 'minimum', 'maximum', 'minItems', 'maxItems', 'pattern'],
  ...['type', 'const', 'enum', 'anyOf', 'properties', 'required', 'items', 'patternProperties'],
  // Which of the targets a message has is checked by the API; a type of four cases reads worse.
  ...['additionalProperties', 'oneOf'],
]);

const text = format(pageOf(document()));
if (process.argv.includes('--print')) process.stdout.write(text);
else writeFileSync(FILE, text);

/** The answer of GET /openapi.json, without an api: its table of routes needs settings and no Redis. */
function document() {
  const services = { settings: loadSettings({}), metrics: new Metrics() };
  return JSON.parse(JSON.stringify(openApi(allRoutes(services, VERSION), VERSION)));
}

function pageOf({ paths }) {
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  const codes = Object.keys(CODES).map((code) => `| '${code}'`);
  return `/** Printed by scripts/openapi-types.mjs out of the API's description: change its routes instead. */

/** \`code\` of a refusal. */
export type Code = ${codes.join('\n')};

/** The calls by their \`operationId\`: what they take, and their answers by status. */
export interface Operations {
${operations.filter(isJson).map(operationOf).join('\n')}
}
`;
}

function isJson({ responses }) {
  return Object.values(responses).some(({ content }) => JSON_TYPE in content);
}

function operationOf({ operationId, summary, parameters, requestBody, responses }) {
  const parts = [
    parametersOf('path', parameters),
    parametersOf('query', parameters),
    requestBody && `body: ${typeOf(requestBody.content[JSON_TYPE].schema, true)};`,
    answersOf(responses),
  ];
  return `${comment(summary)}${operationId}: {\n${parts.filter(Boolean).join('\n')}\n};`;
}

function parametersOf(place, parameters) {
  const fields = parameters
    .filter((parameter) => parameter.in === place)
    .map(({ name, required, description, schema }) =>
      fieldOf(name, { ...schema, description }, required, true),
    );
  return fields.length > 0 && `${place}: {\n${fields.join('\n')}\n};`;
}

function answersOf(responses) {
  const fields = Object.entries(responses)
    .filter(([, { content }]) => JSON_TYPE in content)
    .map(([status, { content }]) => fieldOf(status, content[JSON_TYPE].schema, true, false));
  return `answers: {\n${fields.join('\n')}\n};`;
}

/** @param isInput of what a caller gives, which may spell an absent field as `undefined` */
function typeOf(schema, isInput) {
  const unknown = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword));
  if (unknown.length > 0) throw new Error(`no type is known for ${unknown}: add it to this script`);
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return isCodes(schema.enum) ? 'Code' : schema.enum.map(literal).join(' | ');
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one, isInput)).join(' | ');
  switch (schema.type) {
    case 'object':
      return objectOf(schema, isInput);
    case 'array':
      return `${isInput ? 'readonly ' : ''}(${typeOf(schema.items, isInput)})[]`;
    case 'integer':
      return 'number';
    case undefined:
      return 'unknown';
    default:
      return schema.type;
  }
}

function objectOf({ properties, patternProperties, required = [] }, isInput) {
  if (patternProperties) {
    const values = Object.values(patternProperties).map((value) => typeOf(value, isInput));
    return `Record<string, ${values.join(' | ')}>`;
  }
  const fields = Object.entries(properties).map(([name, schema]) =>
    fieldOf(name, schema, required.includes(name), isInput),
  );
  return `{\n${fields.join('\n')}\n}`;
}

function fieldOf(name, schema, isRequired, isInput) {
  const mark = isRequired ? '' : '?';
  const absent = isInput && !isRequired ? ' | undefined' : '';
  return `${comment(schema.description)}${name}${mark}: ${typeOf(schema, isInput)}${absent};`;
}

function isCodes(values) {
  return values.length === Object.keys(CODES).length && values.every((value) => value in CODES);
}

function literal(value) {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function comment(description) {
  return description === undefined ? '' : `/** ${description} */\n`;
}

function format(source) {
  const args = [BIOME, 'format', `--stdin-file-path=${FILE}`];
  return execFileSync(process.execPath, args, { input: source, encoding: 'utf8' });
}
