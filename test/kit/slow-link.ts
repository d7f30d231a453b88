/** A way to a server that takes its time: every byte arrives, in order, and late. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { LateBytes } from './late-bytes.js';

export class SlowLink {
  /** The address of the server, by this way. */
  readonly url: string;
  /** Each way, from the next byte on. */
  delayMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server, target: URL) {
    this.#server = server;
    const url = new URL(target);
    url.port = String((server.address() as AddressInfo).port);
    this.url = url.href;
    server.on('connection', (near) => this.#join(near, Number(target.port)));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, port: number): void {
    const far = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#carry(near, far);
    this.#carry(far, near);
  }

  #carry(from: Socket, to: Socket): void {
    const late = new LateBytes(to, () => this.delayMs);
    this.#sockets.add(from);
    from.on('data', (bytes: Buffer) => late.send(bytes));
    from.on('error', () => undefined); // Told by `close`.
    from.once('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}

/** @param url of a server on 127.0.0.1 */
export async function openSlowLink(url: string): Promise<SlowLink> {
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new SlowLink(server, new URL(url));
}
