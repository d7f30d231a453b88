import { problemHeaders, type Refusal } from '@halley/shared/protocol';
import type { SocketDoor, UpgradeRequest } from '../core/ports/door.js';
import { type AddressReader, addressKey } from './addresses.js';
import type { ConnectionOptions } from './connection-options.js';
import {
  DISABLED,
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_socket_context_t,
  type WebSocket,
} from './uws.js';
import { type SocketData, UwsConnection } from './uws-connection.js';

/** Bytes that may wait for one socket before uWS cuts it without a word: the last resort. */
const BACKPRESSURE_FACTOR = 4;

/** Opens a door for WebSockets on a uWS app. */
export function serveSockets<A, S>(
  app: TemplatedApp,
  door: SocketDoor<A, S>,
  { slowReaderBytes, addresses }: ConnectionOptions,
): void {
  app.ws<SocketData<A, S>>(door.path, {
    compression: DISABLED,
    maxPayloadLength: door.messageMaxBytes,
    idleTimeout: door.idleSeconds,
    sendPingsAutomatically: true,
    maxBackpressure: BACKPRESSURE_FACTOR * slowReaderBytes,
    // Without it frames beyond the limit vanish silently.
    closeOnBackpressureLimit: 1,
    upgrade: (response, request, context) => upgrade(door, addresses, response, request, context),
    open: (socket) => open(door, socket),
    message: (socket, bytes, isBinary) => {
      const { session } = socket.getUserData().link;
      if (session !== null) door.message(session, bytes, isBinary);
    },
    dropped: (socket) => {
      const { session } = socket.getUserData().link;
      if (session !== null) door.overflowed(session);
    },
    drain: (socket) => {
      const { session } = socket.getUserData().link;
      if (session !== null) door.drained(session);
    },
    close: (socket) => {
      const { link } = socket.getUserData();
      link.detach();
      if (link.session !== null) door.closed(link.session);
      link.session = null;
    },
  });
}

/** The request is only valid during this call, so all that is needed of it is read at once. */
function upgrade<A, S>(
  door: SocketDoor<A, S>,
  addresses: AddressReader,
  response: HttpResponse,
  request: HttpRequest,
  context: us_socket_context_t,
): void {
  const closed = door.closedBecause();
  if (closed !== null) {
    refuseUpgrade(response, closed);
    return;
  }
  const key = request.getHeader('sec-websocket-key');
  const extensions = request.getHeader('sec-websocket-extensions');
  const forwarded = addresses.forwarded(response, request);
  const peer = addressKey(response, forwarded);
  const complete = (admission: A) =>
    response.upgrade<SocketData<A, S>>(
      { link: new UwsConnection<A, S>(admission, forwarded, peer) },
      key,
      door.protocolOf(admission),
      extensions,
      context,
    );
  const admission = door.admit(requestOf(request, peer));
  if (admission instanceof Promise) completeLater(response, admission, complete);
  else complete(admission);
}

function completeLater<A>(
  response: HttpResponse,
  admission: Promise<A>,
  complete: (admission: A) => void,
): void {
  let isAborted = false;
  response.onAborted(() => {
    isAborted = true;
  });
  admission.then(
    (admitted) => {
      if (!isAborted) response.cork(() => complete(admitted));
    },
    () => {
      if (!isAborted) response.cork(() => response.writeStatus('503 Service Unavailable').end());
    },
  );
}

function refuseUpgrade(response: HttpResponse, refused: Refusal): void {
  response.writeStatus('503 Service Unavailable');
  for (const [name, value] of problemHeaders(refused)) response.writeHeader(name, value);
  response.end();
}

function requestOf(request: HttpRequest, peer: number): UpgradeRequest {
  return {
    addressKey: peer,
    query: request.getQuery() ?? '',
    origin: request.getHeader('origin'),
    host: request.getHeader('host'),
    authorization: request.getHeader('authorization'),
    cookie: request.getHeader('cookie'),
    fetchSite: request.getHeader('sec-fetch-site'),
    protocols: request.getHeader('sec-websocket-protocol'),
    isUpgrade: true,
  };
}

function open<A, S>(door: SocketDoor<A, S>, socket: WebSocket<SocketData<A, S>>): void {
  const { link } = socket.getUserData();
  link.attach(socket);
  const { admission } = link;
  if (admission === null) return;
  link.admission = null;
  link.session = door.open(link, admission);
}
