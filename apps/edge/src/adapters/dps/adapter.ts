import { refusal } from '@halley/shared/protocol';
import type {
  Headers,
  HttpDoor,
  HttpReply,
  HttpRequest,
  HttpRoute,
} from '../../core/ports/http.js';
import { corsHeaders } from '../native-http/handshake.js';
import { Reception } from '../native-http/reception.js';
import { answerRefusal, type DpsRefusal, refusalNamed } from './errors.js';
import { Polls } from './poll.js';
import { Pushes } from './push.js';
import type { Site } from './site.js';
import { DpsSocketDoor } from './socket-door.js';

type Serve = HttpRoute['serve'];

/** In front of the paths on the port for browsers. */
export const DPS_PREFIX = '/dps';

const POLL = '/poll';
const PUSH = '/push';
const METHODS = 'POST, GET, OPTIONS';
const PREFLIGHT_HEADERS: Headers = [
  ['Content-Type', 'application/json'],
  ['Access-Control-Allow-Methods', METHODS],
  ['Access-Control-Allow-Headers', 'Content-Type, Origin, Accept, Authorization'],
];

/** The door of DPS's clients: sessions that poll, WebSockets, and pushes. */
export class DpsDoor {
  readonly #site: Site;
  readonly #reception: Reception;
  readonly #polls: Polls;
  readonly #pushes: Pushes;

  constructor(site: Site) {
    this.#site = site;
    this.#reception = new Reception(site);
    this.#polls = new Polls(site, this.#reception);
    this.#pushes = new Pushes(this.#reception);
  }

  /** @param prefix of the paths: `DPS_PREFIX`, or '' on a port of its own */
  http(prefix: string): HttpDoor {
    const { payloadMaxBytes } = this.#site.edge.services.limits;
    const poll = prefix + POLL;
    const push = prefix + PUSH;
    return {
      routes: [
        route('post', poll, 0, (request, reply) => this.#polls.serve(request, reply)),
        route('get', poll, 0, (request, reply) => this.#upgradeOnly(request, reply)),
        ...this.#otherMethods(poll, METHODS),
        route('post', push, payloadMaxBytes, (request, reply, body) =>
          this.#pushes.serve(request, reply, body),
        ),
        ...this.#otherMethods(push, 'POST, OPTIONS'),
      ],
    };
  }

  sockets(prefix: string): DpsSocketDoor {
    return new DpsSocketDoor(this.#site, prefix + POLL);
  }

  #otherMethods(path: string, allow: string): HttpRoute[] {
    const refused = refusal('method-not-allowed', `this path knows ${allow}`);
    return [
      route('options', path, 0, (request, reply) =>
        reply.answer(
          '200 OK',
          [...PREFLIGHT_HEADERS, ...corsHeaders(request, this.#site.handshake)],
          'ok\n',
        ),
      ),
      route('any', path, 0, (request, reply) =>
        this.#refuse(request, reply, refused, [['Allow', allow]]),
      ),
    ];
  }

  /** A request to the path of the WebSockets that asks for none. */
  #upgradeOnly(request: HttpRequest, reply: HttpReply): void {
    const text = 'GET is for WebSockets here; POST polls';
    const refused = refusalNamed('upgrade_required', 'bad-query', text);
    this.#refuse(request, reply, refused, []);
  }

  #refuse(request: HttpRequest, reply: HttpReply, refused: DpsRefusal, more: Headers): void {
    this.#reception.report(reply, refused);
    answerRefusal(reply, refused, [...more, ...this.#reception.headersFor(request)]);
  }
}

function route(
  method: HttpRoute['method'],
  path: string,
  bodyMaxBytes: number,
  serve: Serve,
): HttpRoute {
  return { method, path, bodyMaxBytes, serve };
}
