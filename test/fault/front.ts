/** The one address of all edges, as a balancer has it; its connections can go deaf without an end. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../kit/random.js';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  isDeaf: boolean;
}

export class Front {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly #server: Server;
  readonly #ports: () => readonly number[];
  readonly #pairs = new Set<Pair>();
  #turn = 0;

  private constructor(server: Server, ports: () => readonly number[]) {
    this.#server = server;
    this.#ports = ports;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (near) => this.#join(near));
  }

  /** @param ports of the edges that run now; each new connection goes to the next one */
  static async open(ports: () => readonly number[]): Promise<Front> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Front(server, ports);
  }

  /** Of a share of the connections that stand now no byte passes any more, either way; none is closed. */
  deafen(share: number, random: Random): void {
    for (const pair of this.#pairs) if (random.chance(share)) pair.isDeaf = true;
  }

  async stop(): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    const ports = this.#ports();
    this.#turn += 1;
    const port = ports[this.#turn % Math.max(1, ports.length)];
    if (port === undefined) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port, noDelay: true });
    const pair: Pair = { near, far, isDeaf: false };
    this.#pairs.add(pair);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('data', (bytes) => {
        if (!pair.isDeaf) other.write(bytes);
      });
      socket.on('error', () => undefined); // Told by `close`.
      socket.once('close', () => this.#part(pair, other));
    }
  }

  /** Of a deaf pair the other side does not learn that it is alone. */
  #part(pair: Pair, other: Socket): void {
    if (!pair.isDeaf) other.destroy();
    if (pair.near.destroyed && pair.far.destroyed) this.#pairs.delete(pair);
  }
}
