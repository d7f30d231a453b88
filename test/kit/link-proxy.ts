/** A way to an edge that fails as networks and proxies do: by path, or as a whole. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A path without its query, such as `/v1/ws`; or a pattern of path and query. */
export type PathMatcher = string | RegExp;

/** A first line; the bytes of a WebSocket and of a body do not look like one. */
const REQUEST_LINE = /^[A-Z]+ (\/\S*)/;
/** Where a longer first line is cut: the path stands before it. */
const LINE_MAX_BYTES = 16_384;

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** Of its last request. */
  path: string | null;
  isDeaf: boolean;
}

export class LinkProxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #asked: string[] = [];
  readonly #blocked: PathMatcher[] = [];
  readonly #stalled: PathMatcher[] = [];
  #swallows = false;
  #targetPort: number;

  constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (near) => this.#join(near));
  }

  /** New connections go to another server. */
  leadTo(url: string): void {
    this.#targetPort = portOf(url);
  }

  /** Connections with such a request are reset. */
  block(...paths: readonly PathMatcher[]): void {
    this.#blocked.push(...paths);
  }

  /** Such requests reach the server, and nobody hears its answer. */
  stall(...paths: readonly PathMatcher[]): void {
    this.#stalled.push(...paths);
  }

  /** From now on no byte passes, either way, and nobody is told. */
  swallow(): void {
    this.#swallows = true;
  }

  /** Everything passes again; what was swallowed is lost. */
  heal(): void {
    this.#swallows = false;
    this.#blocked.length = 0;
    this.#stalled.length = 0;
  }

  /** Resets every connection; new ones are taken. */
  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  /** Connections that stand now, and whose last request was such a one. */
  open(path: PathMatcher): number {
    return [...this.#pairs].filter((pair) => pair.path !== null && fits(pair.path, [path])).length;
  }

  /** Such requests that were made so far. */
  ever(path: PathMatcher): number {
    return this.#asked.filter((asked) => fits(asked, [path])).length;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    const far = connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true });
    const pair: Pair = { near, far, path: null, isDeaf: false };
    this.#pairs.add(pair);
    near.on('data', (bytes) => this.#ask(pair, bytes));
    far.on('data', (bytes) => {
      if (!this.#swallows && !pair.isDeaf) near.write(bytes);
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => undefined); // Told by `close`.
      socket.once('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
  }

  #ask(pair: Pair, bytes: Buffer): void {
    if (this.#swallows) return;
    const path = REQUEST_LINE.exec(bytes.toString('latin1', 0, LINE_MAX_BYTES))?.[1];
    if (path !== undefined) {
      pair.path = path;
      this.#asked.push(path);
      if (fits(path, this.#blocked)) {
        pair.near.resetAndDestroy();
        return;
      }
      pair.isDeaf = fits(path, this.#stalled);
    }
    pair.far.write(bytes);
  }
}

function fits(path: string, matchers: readonly PathMatcher[]): boolean {
  return matchers.some((one) =>
    typeof one === 'string' ? one === path.split('?')[0] : one.test(path),
  );
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** @param url of a server on 127.0.0.1 */
export async function openLinkProxy(url: string): Promise<LinkProxy> {
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new LinkProxy(server, portOf(url));
}
