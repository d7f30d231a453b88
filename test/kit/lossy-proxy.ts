/** A way to a server that loses answers: the server has done what was asked, and nobody is told. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The connection ends without an answer, or stays open and silent. */
export type Loss = 'cut' | 'silence';

export class LossyProxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Connections that were made to it. */
  connections = 0;
  /** Answers that were lost. */
  lost = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #next: Loss | null = null;

  constructor(server: Server, target: URL) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (near) => this.#join(near, Number(target.port)));
  }

  /** The next answer is lost, and with it what else its connection would bring. */
  loseNext(how: Loss): void {
    this.#next = how;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, port: number): void {
    this.connections += 1;
    const far = connect({ host: '127.0.0.1', port, noDelay: true });
    let isSilent = false;
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      const loss = this.#next;
      if (loss !== null) {
        this.#next = null;
        this.lost += 1;
        isSilent = true;
        if (loss === 'cut') near.destroy();
      }
      if (!isSilent) near.write(bytes);
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined); // Told by `close`.
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}

/** @param url of a server on 127.0.0.1 */
export async function openLossyProxy(url: string): Promise<LossyProxy> {
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new LossyProxy(server, new URL(url));
}
