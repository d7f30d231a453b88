/** One request to a plain site on its way through: screened, read, handled, answered once. */

import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { endPaced, PACED_MIN_BYTES } from '@halley/shared/ops';
import { bodyRefusal, RefusedError, refusal } from '@halley/shared/protocol';
import { readArrival } from './arrival.js';
import { BodyReader, tooLarge } from './body.js';
import { ChunkStream } from './chunk-stream.js';
import type { ServerContext } from './context.js';
import type {
  PlainAnswer,
  PlainHeaders,
  PlainReply,
  PlainRequest,
  PlainSite,
  PlainStream,
  StreamOptions,
} from './plain.js';
import { endHead } from './status.js';

export class PlainExchange implements PlainReply {
  readonly #context: ServerContext;
  readonly #site: PlainSite;
  readonly #response: HttpResponse;
  readonly #request: PlainRequest;
  readonly #startedAt = performance.now();
  /** False once answered or aborted: uWS' response must not be touched any more. */
  #isOpen = true;
  #stream: ChunkStream | null = null;
  #bodyBytes = 0;

  /** `request` is only valid during the constructor and `start`. */
  constructor(
    context: ServerContext,
    site: PlainSite,
    path: string,
    response: HttpResponse,
    request: HttpRequest,
  ) {
    this.#context = context;
    this.#site = site;
    this.#response = response;
    // Without a question mark uWS gives undefined, whatever its types say.
    const query: string | undefined = request.getQuery();
    this.#request = {
      method: request.getMethod().toUpperCase(),
      path,
      query: query ?? '',
      arrival: readArrival(response, request),
    };
    context.pending.begin();
    response.onAborted(() => this.#aborted());
  }

  start(request: HttpRequest): void {
    const misframed = bodyRefusal(request);
    if (misframed !== null) {
      // As in Exchange: never at once.
      setImmediate(() => this.#answer({ ...this.#site.refuse(misframed), closes: true }));
      return;
    }
    const refused = this.#site.screen(this.#request);
    if (refused !== null) this.#answer(refused);
    else if (this.#request.method === 'POST') this.#readBody(request);
    else void this.#handle(null);
  }

  stream({ status, headers, preamble, waitingMaxBytes, over }: StreamOptions): PlainStream | null {
    if (!this.#isOpen) return null;
    this.#observe(status);
    this.#response.cork(() => writeHead(this.#response, status, headers));
    this.#stream = new ChunkStream(this.#response, waitingMaxBytes, () => {
      this.#end();
      over();
    });
    this.#stream.write(preamble);
    return this.#stream;
  }

  #readBody(request: HttpRequest): void {
    const { bodyMaxBytes, bodies } = this.#context;
    const announcedBytes = Number(request.getHeader('content-length'));
    const refused =
      announcedBytes > bodyMaxBytes ? tooLarge(bodyMaxBytes) : bodies.refusalOf(announcedBytes);
    if (refused !== null) {
      this.#answer(this.#site.refuse(refused));
      return;
    }
    const reader = new BodyReader(bodyMaxBytes);
    this.#response.onData((chunk, isLast) => {
      if (!this.#isOpen) return;
      const full = bodies.refusalOf(chunk.byteLength);
      bodies.hold(chunk.byteLength);
      this.#bodyBytes += chunk.byteLength;
      const body = full ?? reader.take(chunk, isLast);
      if (body === null) return;
      if ('code' in body) this.#answer(this.#site.refuse(body));
      else void this.#handle(body);
    });
  }

  async #handle(body: Uint8Array | null): Promise<void> {
    try {
      const answer = await this.#site.handle(this.#request, body, this);
      if (answer !== null) this.#answer(answer);
    } catch (error) {
      if (!(error instanceof RefusedError)) {
        this.#context.log.error(
          { err: error, path: this.#request.path },
          'a defect in a plain path',
        );
      }
      const refused = error instanceof RefusedError ? error.refusal : refusal('internal');
      this.#answer(this.#site.refuse(refused));
    }
  }

  #answer({ status, headers, body, closes = false }: PlainAnswer): void {
    if (!this.#isOpen || this.#stream !== null) return;
    this.#observe(status);
    const response = this.#response;
    const closesSocket = closes || this.#context.isStopping;
    response.cork(() => {
      writeHead(response, status, headers);
      if (this.#request.method === 'HEAD') {
        endHead(response, Buffer.byteLength(body), closesSocket);
      } else if (closesSocket || body.length < PACED_MIN_BYTES) response.end(body, closesSocket);
      else endPaced(response, body);
    });
    this.#end();
  }

  #observe(status: string): void {
    const durationMs = performance.now() - this.#startedAt;
    this.#context.observe(this.#request.path, Number.parseInt(status, 10), durationMs);
  }

  #aborted(): void {
    if (this.#stream === null) this.#end();
    else this.#stream.release();
  }

  #end(): void {
    this.#isOpen = false;
    this.#context.pending.end();
    this.#context.bodies.free(this.#bodyBytes);
    this.#bodyBytes = 0;
  }
}

function writeHead(response: HttpResponse, status: string, headers: PlainHeaders): void {
  response.writeStatus(status);
  for (const [name, value] of headers) response.writeHeader(name, value);
}
