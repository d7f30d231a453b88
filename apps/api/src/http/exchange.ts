/** One request on its way through: read, checked against the table, handled, answered once. */

import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { holds } from '@halley/shared/auth';
import { endPaced, PACED_MIN_BYTES } from '@halley/shared/ops';
import {
  bodyRefusal,
  PROBLEM_TYPE,
  problemHeaders,
  problemText,
  type Refusal,
  RefusedError,
  refusal,
  statusOf,
} from '@halley/shared/protocol';
import { BodyReader, isJsonType, type ParsedBody, parseBody, tooLarge } from './body.js';
import type { ServerContext } from './context.js';
import { parsePath, parseQuery } from './query.js';
import type { AnyAnswer, Route } from './route.js';
import { endHead, statusLine } from './status.js';

type Values = Readonly<Record<string, unknown>>;

/** A route with what is made of it once. */
export interface ServedRoute extends Route {
  readonly checkBody: ((value: unknown) => Refusal | null) | null;
}

export class Exchange {
  readonly requestId: string;
  readonly #context: ServerContext;
  readonly #response: HttpResponse;
  /** Label of metrics: the pattern, since paths without bound would make series without bound. */
  readonly #label: string;
  readonly #isHead: boolean;
  readonly #startedAt = performance.now();
  /** False once answered or aborted: uWS' response must not be touched any more. */
  #isOpen = true;
  #params: Values = {};
  #query: Values = {};
  #reader: BodyReader | null = null;
  /** Of the key; '' where none is asked for. */
  #caller = '';
  #bodyBytes = 0;
  #isJson = false;

  constructor(context: ServerContext, response: HttpResponse, label: string, isHead: boolean) {
    this.requestId = context.nextRequestId();
    this.#context = context;
    this.#response = response;
    this.#label = label;
    this.#isHead = isHead;
    context.pending.begin();
    response.onAborted(() => this.#end());
  }

  /** `request` is only valid during this call: all that is needed of it is read here. */
  start(served: ServedRoute, request: HttpRequest): void {
    try {
      const misframed = bodyRefusal(request);
      if (misframed !== null) {
        // What comes next on the connection may be a part of the body. In a later turn uWS has found it
        // behind an unanswered request and cut the connection; else the answer ends it.
        setImmediate(() => this.refuse(misframed, NO_HEADERS, true));
        return;
      }
      const refused = this.#authorize(served, request) ?? this.#readUrl(served, request);
      if (refused !== null) this.refuse(refused);
      else if (served.checkBody === null) void this.#handle(served, null);
      else this.#readBody(served, request);
    } catch (error) {
      // Thrown into uWS it would end the process.
      this.#fail(error);
    }
  }

  #authorize(served: ServedRoute, request: HttpRequest): Refusal | null {
    if (served.role === 'public') return null;
    const key = this.#context.callers.check(request.getHeader('authorization'));
    if (key === null) return refusal('unauthorized');
    this.#caller = key.name;
    if (holds(key.role, served.role)) return null;
    return refusal(
      'forbidden',
      `the key "${key.name}" is "${key.role}"; this call needs "${served.role}"`,
    );
  }

  #readUrl(served: ServedRoute, request: HttpRequest): Refusal | null {
    const path = parsePath(served.params, request);
    if ('refused' in path) return path.refused;
    this.#params = path.values;
    // Probes of load balancers put what they like behind the question mark.
    if (served.role === 'public') return null;
    // Without a question mark uWS gives undefined, whatever its types say.
    const text: string | undefined = request.getQuery();
    const query = parseQuery(text ?? '', served.query);
    if ('refused' in query) return query.refused;
    this.#query = query.values;
    return null;
  }

  #readBody(served: ServedRoute, request: HttpRequest): void {
    const { bodyMaxBytes, bodies } = this.#context;
    const announcedBytes = Number(request.getHeader('content-length'));
    const refused =
      announcedBytes > bodyMaxBytes ? tooLarge(bodyMaxBytes) : bodies.refusalOf(announcedBytes);
    if (refused !== null) {
      this.refuse(refused);
      return;
    }
    this.#isJson = isJsonType(request.getHeader('content-type'));
    this.#reader = new BodyReader(bodyMaxBytes);
    this.#response.onData((chunk, isLast) => this.#takeChunk(served, chunk, isLast));
  }

  #takeChunk(served: ServedRoute, chunk: ArrayBuffer, isLast: boolean): void {
    if (!this.#isOpen || this.#reader === null) return;
    if (!this.#isJson && chunk.byteLength > 0) {
      this.refuse(refusal('unsupported-media-type'));
      return;
    }
    const { bodies } = this.#context;
    const refused = bodies.refusalOf(chunk.byteLength);
    bodies.hold(chunk.byteLength);
    this.#bodyBytes += chunk.byteLength;
    const body = refused ?? this.#reader.take(chunk, isLast);
    if (body === null) return;
    this.#reader = null;
    if ('code' in body) this.refuse(body);
    else void this.#handle(served, body);
  }

  /** @param bytes only valid until the first `await` */
  async #handle(served: ServedRoute, bytes: Uint8Array | null): Promise<void> {
    try {
      const body = bytes === null ? NO_BODY : checkedBody(served, bytes);
      if ('code' in body) {
        this.refuse(body);
        return;
      }
      const refused = this.#spend(served, body.value);
      const limited = refused instanceof Promise ? await refused : refused;
      if (limited !== null) {
        this.refuse(limited);
        return;
      }
      const answer = await served.handle({
        params: this.#params,
        query: this.#query,
        body: body.value,
        bodyText: body.text,
      });
      if ('code' in answer) this.refuse(answer);
      else this.#answer(served, answer);
    } catch (error) {
      if (error instanceof RefusedError) this.refuse(error.refusal);
      else this.#fail(error);
    }
  }

  #spend(served: ServedRoute, body: unknown): Refusal | null | Promise<Refusal | null> {
    if (served.role === 'public') return null;
    return this.#context.rates.spend(this.#caller, served.messages?.(body) ?? 1);
  }

  #answer(served: ServedRoute, answer: AnyAnswer): void {
    const text = 'text' in answer ? answer.text : JSON.stringify(answer.body);
    this.#send(answer.status, served.contentType ?? 'application/json', text, NO_HEADERS);
  }

  /** @param closesSocket the connection ends with the answer */
  refuse(
    refused: Refusal,
    headers: readonly [string, string][] = NO_HEADERS,
    closesSocket = false,
  ): void {
    const text = problemText(refused, this.requestId);
    const all = [...problemHeaders(refused), ...headers];
    this.#send(statusOf(refused.code), PROBLEM_TYPE, text, all, closesSocket);
  }

  #fail(error: unknown): void {
    this.#context.log.error(
      { err: error, requestId: this.requestId, route: this.#label },
      'defect',
    );
    this.refuse(refusal('internal'));
  }

  #send(
    status: number,
    contentType: string,
    text: string,
    headers: readonly [string, string][],
    closesSocket = false,
  ): void {
    if (!this.#isOpen) return;
    this.#context.observe(this.#label, status, performance.now() - this.#startedAt);
    const response = this.#response;
    response.cork(() => {
      response.writeStatus(statusLine(status));
      response.writeHeader('content-type', contentType);
      response.writeHeader('x-content-type-options', 'nosniff');
      response.writeHeader('x-request-id', this.requestId);
      for (const [name, value] of headers) response.writeHeader(name, value);
      const isLast = closesSocket || this.#context.isStopping;
      if (this.#isHead) endHead(response, Buffer.byteLength(text), isLast);
      else if (isLast || text.length < PACED_MIN_BYTES) response.end(text, isLast);
      else endPaced(response, text);
    });
    this.#end();
  }

  #end(): void {
    this.#isOpen = false;
    this.#context.pending.end();
    this.#context.bodies.free(this.#bodyBytes);
    this.#bodyBytes = 0;
  }
}

function checkedBody(served: ServedRoute, bytes: Uint8Array): ParsedBody | Refusal {
  if (bytes.length === 0 && served.bodyOptional === true) return EMPTY_OBJECT;
  const body = parseBody(bytes);
  if ('code' in body) return body;
  return served.checkBody?.(body.value) ?? body;
}

const NO_BODY: ParsedBody = { text: '', value: undefined };
const EMPTY_OBJECT: ParsedBody = { text: '{}', value: {} };
const NO_HEADERS: readonly [string, string][] = [];
