import { STATUS_CODES } from 'node:http';
import {
  bodyRefusal,
  PROBLEM_TYPE,
  problemText,
  type Refusal,
  statusOf,
} from '@halley/shared/protocol';
import type { Headers, HttpDoor, HttpRequest, HttpRoute } from '../core/ports/http.js';
import type { ConnectionOptions } from './connection-options.js';
import { type ReplyLimits, UwsReply } from './http-reply.js';
import type { HttpResponse, TemplatedApp, HttpRequest as UwsRequest } from './uws.js';

/** Bytes that may wait for one connection between two looks at slow readers, as on WebSockets. */
const BACKPRESSURE_FACTOR = 4;

const PROBLEM_HEADERS: Headers = [
  ['Content-Type', PROBLEM_TYPE],
  ['X-Content-Type-Options', 'nosniff'],
];

/** Opens a door for HTTP requests on a uWS app. */
export function serveHttp(app: TemplatedApp, door: HttpDoor, options: ConnectionOptions): void {
  const { addresses, slowReaderBytes } = options;
  const limits: ReplyLimits = { waitingMaxBytes: BACKPRESSURE_FACTOR * slowReaderBytes };
  for (const route of door.routes) {
    app[route.method](route.path, (response, request) => {
      const forwarded = addresses.forwarded(response, request);
      serve(route, request, response, new UwsReply(response, forwarded, limits));
    });
  }
}

/** The request is only valid during this call, so all that is needed of it is read at once. */
function serve(
  route: HttpRoute,
  request: UwsRequest,
  response: HttpResponse,
  reply: UwsReply,
): void {
  const asked = requestOf(request);
  const refused = bodyRefusal(request);
  if (refused !== null) refuse(reply, refused);
  else if (route.bodyMaxBytes === 0) route.serve(asked, reply, new Uint8Array());
  // What is told to be too large is not waited for.
  else if (Number(request.getHeader('content-length')) > route.bodyMaxBytes) {
    route.serve(asked, reply, null);
  } else readBody(response, route.bodyMaxBytes, (body) => route.serve(asked, reply, body));
}

/**
 * No door has a say in it. What comes next on the connection may be a part of the body: in a later turn uWS
 * has found it behind an unanswered request and cut the connection, else the answer ends it.
 */
function refuse(reply: UwsReply, refused: Refusal): void {
  const status = statusOf(refused.code);
  const line = `${status} ${STATUS_CODES[status]}`;
  const text = problemText(refused);
  setImmediate(() => reply.answer(line, PROBLEM_HEADERS, text, true));
}

function requestOf(request: UwsRequest): HttpRequest {
  return {
    method: request.getMethod().toUpperCase(),
    path: request.getUrl(),
    query: request.getQuery() ?? '',
    origin: request.getHeader('origin'),
    host: request.getHeader('host'),
    authorization: request.getHeader('authorization'),
    cookie: request.getHeader('cookie'),
    fetchSite: request.getHeader('sec-fetch-site'),
    contentType: request.getHeader('content-type'),
    lastEventId: request.getHeader('last-event-id'),
    acceptEncoding: request.getHeader('accept-encoding'),
    ifNoneMatch: request.getHeader('if-none-match'),
  };
}

/** @param done gets null once there are more than `maxBytes`; the rest is read and dropped */
function readBody(
  response: HttpResponse,
  maxBytes: number,
  done: (body: Uint8Array | null) => void,
): void {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  response.onData((chunk, isLast) => {
    const isTooLarge = bytes > maxBytes;
    bytes += chunk.byteLength;
    if (isTooLarge) return;
    if (bytes > maxBytes) {
      chunks.length = 0;
      done(null);
      return;
    }
    // uWS takes its bytes back after this call.
    chunks.push(new Uint8Array(chunk.slice(0)));
    if (isLast) done(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks));
  });
}
