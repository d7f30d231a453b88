/** The one address of all edges, as a balancer has it; its connections can go deaf without an end. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { EdgeProcess } from '../kit/fleet.js';
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
  readonly #edges: () => readonly EdgeProcess[];
  readonly #avoided = new Set<EdgeProcess>();
  readonly #pairs = new Set<Pair>();
  #turn = 0;

  private constructor(server: Server, edges: () => readonly EdgeProcess[]) {
    this.#server = server;
    this.#edges = edges;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (near) => this.#join(near));
  }

  /** @param edges that run now; each new connection goes to the next one */
  static async open(edges: () => readonly EdgeProcess[]): Promise<Front> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Front(server, edges);
  }

  /** No new connection goes there, as when a balancer finds it not ready. */
  avoid(edge: EdgeProcess): void {
    this.#avoided.add(edge);
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
    const edges = this.#edges().filter((edge) => !this.#avoided.has(edge));
    this.#turn += 1;
    const edge = edges[this.#turn % Math.max(1, edges.length)];
    if (edge === undefined) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: edge.port, noDelay: true });
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
