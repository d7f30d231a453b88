/** An edge as it must not be: a WebSocket server before it that changes what it says. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ServerFrame } from '@halley/shared/protocol';
import { WebSocket, WebSocketServer } from 'ws';

/** What the subscriber gets in place of a frame of the edge. */
export type Lie = (frame: ServerFrame) => readonly ServerFrame[];

export class Liar {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  lie: Lie = (frame) => [frame];
  readonly #server: WebSocketServer;
  readonly #edgeUrl: string;

  private constructor(server: WebSocketServer, edgeUrl: string) {
    this.#server = server;
    this.#edgeUrl = edgeUrl;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (near, { url = '' }) => this.#join(near, url));
  }

  static async open(edgeUrl: string): Promise<Liar> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    await once(server, 'listening');
    return new Liar(server, edgeUrl);
  }

  /** Ends every connection as a network does that fails. */
  cut(): void {
    for (const near of this.#server.clients) near.terminate();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: WebSocket, path: string): void {
    const far = new WebSocket(new URL(path, this.#edgeUrl.replace('http', 'ws')), {
      perMessageDeflate: false,
    });
    const early: string[] = [];
    near.on('message', (data) => {
      if (far.readyState === WebSocket.OPEN) far.send(data.toString());
      else early.push(data.toString());
    });
    far.once('open', () => {
      for (const text of early) far.send(text);
    });
    far.on('message', (data) => {
      // What the edge still sends to one that was cut off is no frame of the next connection.
      if (near.readyState !== WebSocket.OPEN) return;
      for (const frame of this.lie(JSON.parse(data.toString()))) near.send(JSON.stringify(frame));
    });
    far.on('error', () => undefined); // Told by `close`.
    near.on('error', () => undefined);
    far.once('close', () => near.close());
    near.once('close', () => far.close());
  }
}
