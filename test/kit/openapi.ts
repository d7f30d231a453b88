/**
 * Holds every answer of the API to its own description, and keeps the books: which status of which
 * call was seen, and which declared one never was.
 */

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Exchange, RestClient, type RestOptions } from './rest.js';

interface Header {
  readonly schema: object;
}

interface Response {
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, Response>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Call {
  readonly method: string;
  readonly pattern: RegExp;
  readonly pointer: string;
  readonly operation: Operation;
}

const DOCUMENT_ID = 'openapi.json';
/** Answers to calls that do not exist carry no description but this. */
const PROBLEM_POINTER = '/components/schemas/Problem';
const UNDECLARED_STATUSES = [404, 405];

export class OpenApiBook {
  readonly #calls: readonly Call[];
  readonly #ajv: Ajv2020;
  readonly #seen = new Set<string>();

  constructor(document: unknown) {
    this.#ajv = new Ajv2020({ allErrors: true, strict: true, validateFormats: false });
    this.#ajv.addVocabulary(['openapi', 'info', 'servers', 'security', 'paths', 'components']);
    this.#ajv.addSchema(document as object, DOCUMENT_ID);
    this.#calls = callsOf(document as Document);
  }

  /** Reads the description from the api itself. */
  static async of(url: string): Promise<OpenApiBook> {
    const client = new RestClient(url, { key: null });
    try {
      return new OpenApiBook((await client.get('/openapi.json')).body);
    } finally {
      await client.close();
    }
  }

  /** A client whose every answer is checked: a call rejects where its answer breaks the description. */
  client(url: string, options: RestOptions = {}): RestClient {
    return new RestClient(url, { ...options, onExchange: (exchange) => this.check(exchange) });
  }

  /** Declared statuses that no answer has had so far, as `operationId status`. */
  unseen(): string[] {
    const declared = this.#calls.flatMap(({ operation }) =>
      Object.keys(operation.responses).map((status) => `${operation.operationId} ${status}`),
    );
    return declared.filter((entry) => !this.#seen.has(entry));
  }

  /** @throws Error that names what the answer broke */
  check(exchange: Exchange): void {
    // An answer to HEAD has no body to look at.
    if (exchange.method === 'HEAD') return;
    const call = this.#callOf(exchange);
    if (exchange.headers['x-request-id'] === undefined) fail(exchange, 'no x-request-id');
    if (call === undefined || exchange.status === 405) {
      if (!UNDECLARED_STATUSES.includes(exchange.status))
        fail(exchange, 'no such call is declared');
      this.#validate(exchange, `${DOCUMENT_ID}#${PROBLEM_POINTER}`, exchange.body);
      return;
    }
    this.#checkDeclared(exchange, call);
    this.#seen.add(`${call.operation.operationId} ${exchange.status}`);
  }

  #checkDeclared(exchange: Exchange, { operation, pointer }: Call): void {
    const response = operation.responses[String(exchange.status)];
    if (response === undefined) fail(exchange, 'the status is not declared');
    const at = `${pointer}/responses/${exchange.status}`;
    for (const name of Object.keys(response.headers ?? {})) {
      if (exchange.headers[name] === undefined) fail(exchange, `no header ${name}`);
    }
    const type = String(exchange.headers['content-type']);
    if (response.content?.[type] === undefined)
      fail(exchange, `content-type ${type} is not declared`);
    const value = exchange.body === undefined ? exchange.text : exchange.body;
    const reference = `${DOCUMENT_ID}#${at}/content/${escapePointer(type)}/schema`;
    this.#validate(exchange, reference, value);
  }

  #validate(exchange: Exchange, reference: string, value: unknown): void {
    const validate: ValidateFunction | undefined = this.#ajv.getSchema(reference);
    if (validate === undefined) fail(exchange, `no schema at ${reference}`);
    if (!validate(value)) fail(exchange, this.#ajv.errorsText(validate.errors));
  }

  #callOf(exchange: Exchange): Call | undefined {
    const path = exchange.path.replace(/\?.*$/s, '').replace(/^\/v1(?=\/)/, '');
    return this.#calls.find(
      ({ method, pattern }) => method === exchange.method && pattern.test(path),
    );
  }
}

function callsOf(document: Document): Call[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      pointer: `/paths/${escapePointer(path)}/${method}`,
      operation,
    })),
  );
}

/** RFC 6901, then percent-encoded as a URI fragment. */
function escapePointer(token: string): string {
  return encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function fail(exchange: Exchange, what: string): never {
  const { method, path, status, text } = exchange;
  throw new Error(`${method} ${path} -> ${status}: ${what}\n${text.slice(0, 2_000)}`);
}
