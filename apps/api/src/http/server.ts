/** The HTTP server: the table of routes on uWebSockets.js. */

import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
} from 'uWebSockets.js';
import { refusal } from '@halley/shared/protocol';
import type { ServerContext, ServerOptions } from './context.js';
import { Exchange, type ServedRoute } from './exchange.js';
import { Pending } from './pending.js';
import type { PlainSite } from './plain.js';
import { PlainExchange } from './plain-exchange.js';
import type { Method, Route } from './route.js';
import { bodyCheck } from './validator.js';

/** Every path also stands under the version. */
const BASES = ['', '/v1'] as const;
/** LIBUS_LISTEN_EXCLUSIVE_PORT; the enum of the types does not exist at run time. */
const EXCLUSIVE_PORT = 1;

/** The listen overload that the types leave out: a host and options together. */
interface ExclusiveListener {
  listen(
    host: string,
    port: number,
    options: number,
    listening: (socket: us_listen_socket | false) => void,
  ): void;
}

export class HttpServer {
  readonly #app: TemplatedApp;
  readonly #context: ServerContext & { isStopping: boolean };
  #socket: us_listen_socket | null = null;

  constructor(routes: readonly Route[], options: ServerOptions, site: PlainSite | null = null) {
    const { tls } = options;
    this.#app =
      tls === undefined
        ? uWS.App()
        : uWS.SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile });
    this.#context = { ...options, pending: new Pending(), isStopping: false };
    for (const base of BASES) this.#register(base, routes);
    if (site !== null) this.#registerSite(site);
    this.#app.any('/*', (response, request) =>
      this.#exchange(response, 'unknown', isHead(request)).refuse(NOT_FOUND),
    );
  }

  /**
   * @param port 0: any free one
   * @returns the port
   * @throws Error when nobody may listen there, or somebody does: also a uWS that would share it
   */
  listen(host: string, port: number): Promise<number> {
    const listener = this.#app as unknown as ExclusiveListener;
    return new Promise((resolve, reject) => {
      listener.listen(host, port, EXCLUSIVE_PORT, (socket) => {
        if (socket === false) {
          reject(new Error(`${host}:${port} is taken, or no address of this machine`));
          return;
        }
        this.#socket = socket;
        resolve(uWS.us_socket_local_port(socket));
      });
    });
  }

  /** No new connections; what is under way is answered, for at most `deadlineMs`. */
  async stop(deadlineMs: number): Promise<void> {
    this.#context.isStopping = true;
    if (this.#socket !== null) uWS.us_listen_socket_close(this.#socket);
    this.#socket = null;
    await this.#context.pending.drained(deadlineMs);
    this.#app.close();
  }

  #register(base: string, routes: readonly Route[]): void {
    const allowed = new Map<string, Method[]>();
    for (const route of routes) {
      const methods = allowed.get(route.path);
      if (methods === undefined) allowed.set(route.path, [route.method]);
      else methods.push(route.method);
      this.#serve(base + route.path, route);
    }
    for (const [path, methods] of allowed) this.#refuseOthers(base + path, path, methods);
  }

  #registerSite(site: PlainSite): void {
    for (const path of site.paths) {
      for (const base of site.bases) {
        this.#app.any(base + path, (response, request) =>
          new PlainExchange(this.#context, site, path, response, request).start(request),
        );
      }
    }
  }

  #serve(pattern: string, route: Route): void {
    const checked = route.envelope ?? route.body;
    const served: ServedRoute = { ...route, checkBody: checked ? bodyCheck(checked) : null };
    const label = `${route.method} ${route.path}`;
    const handler = (response: HttpResponse, request: HttpRequest) =>
      this.#exchange(response, label, false).start(served, request);
    if (route.method === 'POST') this.#app.post(pattern, handler);
    if (route.method === 'DELETE') this.#app.del(pattern, handler);
    if (route.method !== 'GET') return;
    this.#app.get(pattern, handler);
    this.#app.head(pattern, (response, request) =>
      this.#exchange(response, label, true).start(served, request),
    );
  }

  #refuseOthers(pattern: string, path: string, methods: readonly Method[]): void {
    const allow = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    const refused = refusal('method-not-allowed', `this path knows ${allow.join(', ')}`);
    this.#app.any(pattern, (response, request) => {
      const exchange = this.#exchange(response, path, isHead(request));
      exchange.refuse(refused, [['allow', allow.join(', ')]]);
    });
  }

  #exchange(response: HttpResponse, label: string, isHead: boolean): Exchange {
    return new Exchange(this.#context, response, label, isHead);
  }
}

function isHead(request: HttpRequest): boolean {
  return request.getMethod() === 'head';
}

const NOT_FOUND = refusal('not-found', 'no call has this path');
