import { FRAME_MAX_BYTES, refusal } from '@halley/shared/protocol';
import type { HttpDoor, HttpReply, HttpRequest, HttpRoute } from '../../core/ports/http.js';
import { heardSseWire, singleHeardSseWire, singleSseWire, sseWire, streamWire } from './encode.js';
import { serveFrames } from './frames.js';
import { preflightHeaders } from './handshake.js';
import { servePoll } from './poll.js';
import { type PushWires, servePush } from './push.js';
import { Reception } from './reception.js';
import type { Site } from './site.js';

/** JSON around the largest data of a `publish`. */
const ENVELOPE_BYTES = 4_096;
const SSE: PushWires = {
  single: singleSseWire,
  tracked: sseWire,
  heard: { single: singleHeardSseWire, tracked: heardSseWire },
};
const STREAM: PushWires = { single: streamWire, tracked: streamWire };

/** The native wires over HTTP: the frames of the WebSocket in the forms that HTTP clients can take. */
export class NativeHttpDoor implements HttpDoor {
  readonly routes: readonly HttpRoute[];
  readonly #reception: Reception;

  constructor(site: Site) {
    const reception = new Reception(site);
    this.#reception = reception;
    this.routes = [
      ...this.#get('/v1/sse', (request, reply) => servePush(reception, SSE, request, reply)),
      ...this.#get('/v1/stream', (request, reply) => servePush(reception, STREAM, request, reply)),
      ...this.#get('/v1/poll', (request, reply) => servePoll(reception, request, reply)),
      ...this.#postFrames('/v1/frames'),
    ];
  }

  #get(path: string, serve: (request: HttpRequest, reply: HttpReply) => void): HttpRoute[] {
    const get: HttpRoute = { method: 'get', path, bodyMaxBytes: 0, serve };
    return [get, this.#preflight(path), this.#otherMethods(path, 'GET, OPTIONS')];
  }

  #postFrames(path: string): HttpRoute[] {
    const { payloadMaxBytes } = this.#reception.site.edge.services.limits;
    const bodyMaxBytes = Math.max(FRAME_MAX_BYTES, payloadMaxBytes + ENVELOPE_BYTES);
    const post: HttpRoute = {
      method: 'post',
      path,
      bodyMaxBytes,
      serve: (request, reply, body) =>
        serveFrames(this.#reception, request, reply, body, bodyMaxBytes),
    };
    return [post, this.#preflight(path), this.#otherMethods(path, 'POST, OPTIONS')];
  }

  /** What a browser asks before it sends what not every page may send. */
  #preflight(path: string): HttpRoute {
    const { handshake } = this.#reception.site;
    return {
      method: 'options',
      path,
      bodyMaxBytes: 0,
      serve: (request, reply) =>
        reply.answer('204 No Content', preflightHeaders(request, handshake), ''),
    };
  }

  #otherMethods(path: string, allow: string): HttpRoute {
    const reception = this.#reception;
    const refused = refusal('method-not-allowed', `this path knows ${allow}`);
    return {
      method: 'any',
      path,
      bodyMaxBytes: 0,
      serve(request, reply) {
        const headers = reception.headersFor(request);
        reception.refuse(reply, refused, [['Allow', allow], ...headers]);
      },
    };
  }
}
