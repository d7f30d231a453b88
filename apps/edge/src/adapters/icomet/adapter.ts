import type { HttpDoor, HttpReply, HttpRequest, HttpRoute } from '../../core/ports/http.js';
import { preflightHeaders } from '../native-http/handshake.js';
import { decodeCallback } from './decode.js';
import { Reception } from './reception.js';
import type { Site } from './site.js';
import { servePoll, servePush } from './subscribe.js';
import { createWires } from './wires.js';

type Serve = (request: HttpRequest, reply: HttpReply) => void;

const PREFIX = '/icomet';
const PING_CALLBACK = 'icomet_cb';
const MS_PER_SECOND = 1_000;
/** Tokens of channels in use are put off so many times within their life. */
const KEEPS_PER_LIFE = 3;

/** The door of iComet's clients: numbered messages of one channel. */
export class IcometDoor implements HttpDoor {
  readonly routes: readonly HttpRoute[];
  readonly #site: Site;
  readonly #reception: Reception;

  constructor(site: Site) {
    this.#site = site;
    const reception = new Reception(site);
    this.#reception = reception;
    const wires = createWires(site.rooms, site.handshake.origins);
    const poll: Serve = (request, reply) => void servePoll(reception, wires.poll, request, reply);
    const push =
      (wire: (typeof wires)['sse']): Serve =>
      (request, reply) =>
        void servePush(reception, wire, request, reply);
    this.routes = [
      ...this.#subscribePath('/sub', poll),
      ...this.#subscribePath('/poll', poll),
      ...this.#subscribePath('/stream', push(wires.stream)),
      ...this.#subscribePath('/iframe', push(wires.iframe)),
      ...this.#subscribePath('/sse', push(wires.sse)),
      ...this.#everywhere('any', '/ping', (request, reply) => this.#ping(request, reply)),
    ];
  }

  /** Lets the tokens of channels with subscribers live on. @returns how to stop */
  start(tokenLifeSeconds: number): () => void {
    const { tokens, rooms, edge } = this.#site;
    if (tokens === null) return () => undefined;
    const keep = () => {
      tokens
        .keep(rooms.channels())
        .catch((error: unknown) => edge.services.counters.storeFailed('log', error));
    };
    const timer = setInterval(keep, (tokenLifeSeconds * MS_PER_SECOND) / KEEPS_PER_LIFE).unref();
    return () => clearInterval(timer);
  }

  #subscribePath(path: string, serve: Serve): HttpRoute[] {
    const { handshake } = this.#site;
    return [
      ...this.#everywhere('get', path, serve),
      ...this.#everywhere('options', path, (request, reply) =>
        reply.answer('204 No Content', preflightHeaders(request, handshake), ''),
      ),
      ...this.#everywhere('any', path, (request, reply) =>
        reply.answer(
          '405 Method Not Allowed',
          [['Allow', 'GET, OPTIONS'], ...this.#headers(request)],
          '',
        ),
      ),
    ];
  }

  #everywhere(method: HttpRoute['method'], path: string, serve: Serve): HttpRoute[] {
    const paths = this.#site.bare ? [PREFIX + path, path] : [PREFIX + path];
    return paths.map((at) => ({ method, path: at, bodyMaxBytes: 0, serve }));
  }

  #ping(request: HttpRequest, reply: HttpReply): void {
    const callback = decodeCallback(new URLSearchParams(request.query));
    if (typeof callback === 'object' && callback !== null) {
      this.#reception.refuse(reply, callback, this.#headers(request));
      return;
    }
    const { pollingTimeoutSeconds } = this.#site;
    reply.answer(
      '200 OK',
      [['Content-Type', 'text/javascript; charset=utf-8'], ...this.#headers(request)],
      `${callback ?? PING_CALLBACK}({"type":"ping","sub_timeout":${pollingTimeoutSeconds}});\n`,
    );
  }

  #headers(request: HttpRequest) {
    return this.#reception.headersFor(request);
  }
}
