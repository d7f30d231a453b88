/** Clients of DPS as bytes: polls of a session, pushes, WebSockets. */

import { WebSocket } from 'ws';
import { type RawAnswer, RawHttp, rawRequest } from './raw-http.js';
import { DEADLINE_MS, within } from './wait.js';
import { Waiters } from './waiters.js';

/** What an answer to a poll, or a frame of a WebSocket, says. */
export interface Batch {
  readonly seq: number;
  readonly messages: readonly unknown[];
}

type Params = Readonly<Record<string, string | number | undefined>>;

/** The paths of DPS on one port. */
export class DpsPort {
  readonly #port: number;
  readonly #prefix: string;

  /** @param prefix '' on a port of the door's own */
  constructor(port: number, prefix = '/dps') {
    this.#port = port;
    this.#prefix = prefix;
  }

  /** A request that is sent and not waited for. */
  async begin(params: Params, headers: readonly string[] = []): Promise<RawHttp> {
    const raw = await RawHttp.open(this.#port);
    raw.send(this.#text('POST', 'poll', params, headers));
    return raw;
  }

  poll(params: Params, headers: readonly string[] = []): Promise<RawAnswer> {
    return this.request('POST', 'poll', params, headers);
  }

  /** One poll that has to succeed. */
  async batch(params: Params): Promise<Batch> {
    return batchOf(await this.poll(params));
  }

  push(params: Params, body: string | Uint8Array, headers: readonly string[] = []) {
    return this.request('POST', 'push', params, headers, body);
  }

  async beginPush(params: Params, body: string): Promise<RawHttp> {
    const raw = await RawHttp.open(this.#port);
    raw.send(this.#text('POST', 'push', params, [], body));
    return raw;
  }

  request(
    method: string,
    path: 'poll' | 'push',
    params: Params,
    headers: readonly string[] = [],
    body: string | Uint8Array = '',
  ): Promise<RawAnswer> {
    return rawRequest(this.#port, this.#text(method, path, params, headers, body));
  }

  /** Opens a WebSocket. */
  async socket(params: Params, origin?: string): Promise<DpsSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}${this.#target('poll', params)}`, {
      perMessageDeflate: false,
      handshakeTimeout: DEADLINE_MS,
      ...(origin !== undefined && { origin }),
    });
    const client = new DpsSocket(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  #text(
    method: string,
    path: string,
    params: Params,
    headers: readonly string[],
    body: string | Uint8Array = '',
  ): string {
    const head = [
      `${method} ${this.#target(path, params)} HTTP/1.1`,
      'Host: dps',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...headers,
    ];
    return `${head.join('\r\n')}\r\n\r\n${body}`;
  }

  /** Commas stand as they are, as in the URLs of DPS's own page. */
  #target(path: string, params: Params): string {
    const query = Object.entries(params)
      .filter(([, value]) => value !== undefined)
      .map(
        ([name, value]) => `${name}=${encodeURIComponent(String(value)).replaceAll('%2C', ',')}`,
      );
    return `${this.#prefix}/${path}?${query.join('&')}`;
  }
}

/** What an answer says; rejects one that is no success. */
export function batchOf({ statusLine, body }: RawAnswer): Batch {
  if (statusLine !== 'HTTP/1.1 200 OK') throw new Error(`${statusLine}: ${body}`);
  return JSON.parse(body) as Batch;
}

export class DpsSocket {
  readonly socket: WebSocket;
  /** The texts of the frames. */
  readonly texts: string[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #waiters: Waiters;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (bytes) => {
      this.texts.push(String(bytes));
      this.#waiters.wake();
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
    socket.on('error', () => undefined); // Told by `closed`.
    this.#waiters = new Waiters(this.closed);
  }

  get batches(): Batch[] {
    return this.texts.map((text) => JSON.parse(text) as Batch);
  }

  get messages(): unknown[] {
    return this.batches.flatMap(({ messages }) => messages);
  }

  /** Resolves once so many messages have come. */
  received(count: number): Promise<unknown[]> {
    const probe = () => this.messages.length >= count && this.messages;
    return this.#waiters.until(probe, `${count} messages`, () => this.texts.join('\n'));
  }

  async close(): Promise<void> {
    this.socket.close();
    await within(this.closed, 'the WebSocket is closed');
  }
}
