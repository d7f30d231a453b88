/** A way to Redis that can hold what is sent to it, while what Redis sends still arrives. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { within } from './wait.js';

interface Hold {
  readonly marker: string;
  readonly held: (() => void)[];
  readonly begun: () => void;
}

export class HeldLink {
  /** The url of Redis by this way. */
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #hold: Hold | null = null;

  constructor(server: Server, redisUrl: URL) {
    this.#server = server;
    server.on('connection', (socket) => this.#join(socket, redisUrl));
    const url = new URL(redisUrl);
    url.port = String((server.address() as AddressInfo).port);
    this.url = url.href;
  }

  /** Holds what is sent from now on, from the first bytes that contain the marker. */
  hold(marker: string): { readonly begun: Promise<void> } {
    let begun = () => {};
    const holding = new Promise<void>((resolve) => {
      begun = resolve;
    });
    this.#hold = { marker, held: [], begun };
    return { begun: within(holding, `something with ${marker} is sent to Redis`) };
  }

  release(): void {
    const held = this.#hold?.held ?? [];
    this.#hold = null;
    for (const send of held) send();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, { hostname, port }: URL): void {
    const far = connect({ host: hostname, port: Number(port), noDelay: true });
    near.on('data', (bytes) => this.#pass(bytes, far));
    far.on('data', (bytes) => near.write(bytes));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined); // Told by `close`.
      socket.once('close', () => other.destroy());
    }
  }

  #pass(bytes: Buffer, far: Socket): void {
    const hold = this.#hold;
    if (hold === null || (hold.held.length === 0 && !bytes.includes(hold.marker))) {
      far.write(bytes);
      return;
    }
    hold.held.push(() => far.write(bytes));
    hold.begun();
  }
}

export async function openHeldLink(redisUrl: string): Promise<HeldLink> {
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new HeldLink(server, new URL(redisUrl));
}
