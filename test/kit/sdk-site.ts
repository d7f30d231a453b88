/** The site of an application whose pages use the SDK, with the routes that such a site has. */

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tokenFor } from './use-fleet.js';

/** The kinds of page: any, one that allows nothing that it does not need, one whose worker uses the SDK. */
export type PageKind = 'plain' | 'strict' | 'worker';

const SCRIPTS: Readonly<Record<string, URL>> = {
  '/sdk.js': new URL('../../libs/sdk/dist/sdk.js', import.meta.url),
  '/page.js': new URL('./sdk-page.js', import.meta.url),
};
const WORKER = `importScripts('/sdk.js', '/page.js');`;
const WORKER_PAGE = `new Worker('/worker.js' + location.hash).onmessage = ({ data }) => {
  window.collected = data;
};`;
const HTML = '<!DOCTYPE html><title>site</title>';

export class SdkSite {
  /** Requests for a token. */
  tokens = 0;
  /** Answers them by 500. */
  failsTokens = false;
  /** Who is signed in, as far as `/halley/auth` is concerned. */
  client = 'alice';
  /** Channels for which a token was asked. */
  readonly authorized: string[] = [];
  readonly #server: Server;
  /** Origins to which the strict page may connect. */
  readonly #nodes: readonly string[];

  private constructor(server: Server, nodes: readonly string[]) {
    this.#server = server;
    this.#nodes = nodes;
    server.on('request', (asked, answer) => void this.#serve(asked, answer));
  }

  static async start(nodes: readonly string[] = []): Promise<SdkSite> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new SdkSite(server, nodes);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @param spec what the page does (sdk-pages.ts) @param host by which the browser finds 127.0.0.1 */
  urlOf(spec: object, kind: PageKind = 'plain', host = '127.0.0.1'): string {
    const origin = this.origin.replace('127.0.0.1', host);
    return `${origin}/${kind}#${encodeURIComponent(JSON.stringify(spec))}`;
  }

  /** For the `tokenUrl` of a spec: tokens of this client. */
  tokenPath(client: string, ttlSeconds: number): string {
    return `/token?client=${client}&seconds=${ttlSeconds}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(asked.url ?? '/', this.origin);
    const script = SCRIPTS[pathname];
    if (script !== undefined) reply(answer, 'text/javascript', readFileSync(script, 'utf8'));
    else if (pathname === '/worker.js') reply(answer, 'text/javascript', WORKER);
    else if (pathname === '/worker-page.js') reply(answer, 'text/javascript', WORKER_PAGE);
    else if (pathname === '/worker') reply(answer, 'text/html', page('/worker-page.js'));
    else if (pathname === '/plain') reply(answer, 'text/html', page('/sdk.js', '/page.js'));
    else if (pathname === '/blank') reply(answer, 'text/html', HTML);
    else if (pathname === '/strict') {
      // Images: Firefox asks for an icon by itself.
      const sockets = this.#nodes.map((node) => node.replace('http', 'ws'));
      const policy = `default-src 'none'; img-src 'self'; script-src 'self'; connect-src ${this.#nodes.join(' ')} ${sockets.join(' ')}`;
      answer.setHeader('Content-Security-Policy', policy);
      reply(answer, 'text/html', page('/sdk.js', '/page.js'));
    } else if (pathname === '/token') this.#giveToken(answer, searchParams);
    else if (pathname === '/halley/auth') await this.#authorize(asked, answer);
    else answer.writeHead(404).end();
  }

  #giveToken(answer: ServerResponse, query: URLSearchParams): void {
    this.tokens += 1;
    if (this.failsTokens) {
      answer.writeHead(500).end();
      return;
    }
    const ttlSeconds = Number(query.get('seconds'));
    reply(answer, 'text/plain', tokenFor(query.get('client') ?? '', { ttlSeconds }));
  }

  /** Channels whose name ends in `refused` are. */
  async #authorize(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of asked.setEncoding('utf8')) text += part;
    const { channel } = JSON.parse(text) as { readonly channel: string };
    this.authorized.push(channel);
    if (channel.endsWith('refused')) answer.writeHead(403).end();
    else {
      const token = tokenFor(this.client, { channel });
      reply(answer, 'application/json', JSON.stringify({ token }));
    }
  }
}

function page(...scripts: readonly string[]): string {
  return HTML + scripts.map((src) => `<script src="${src}"></script>`).join('');
}

function reply(answer: ServerResponse, type: string, text: string): void {
  answer.setHeader('Content-Type', `${type}; charset=utf-8`);
  answer.end(text);
}
