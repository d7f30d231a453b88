/** A way to Redis that can hold what is sent to it, or what Redis sends on one connection. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { within } from './wait.js';

interface Hold {
  readonly marker: string;
  readonly isOfAnswers: boolean;
  readonly held: (() => void)[];
  readonly begun: () => void;
  /** The connection whose answers are held. */
  from: Socket | null;
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
    return this.#holdFrom(marker, false);
  }

  /** Holds what Redis sends on the connection that first carries the marker; on the others all arrives. */
  holdAnswers(marker: string): { readonly begun: Promise<void> } {
    return this.#holdFrom(marker, true);
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

  #holdFrom(marker: string, isOfAnswers: boolean): { readonly begun: Promise<void> } {
    let begun = () => {};
    const holding = new Promise<void>((resolve) => {
      begun = resolve;
    });
    this.#hold = { marker, isOfAnswers, held: [], begun, from: null };
    return { begun: within(holding, `something with ${marker} passes`) };
  }

  #join(near: Socket, { hostname, port }: URL): void {
    const far = connect({ host: hostname, port: Number(port), noDelay: true });
    near.on('data', (bytes) => this.#pass(bytes, far));
    far.on('data', (bytes) => this.#answer(bytes, far, near));
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
    const isOpen = hold === null || hold.isOfAnswers;
    if (isOpen || (hold.held.length === 0 && !bytes.includes(hold.marker))) {
      far.write(bytes);
      return;
    }
    hold.held.push(() => far.write(bytes));
    hold.begun();
  }

  #answer(bytes: Buffer, far: Socket, near: Socket): void {
    const hold = this.#hold;
    const isOpen = hold === null || !hold.isOfAnswers;
    if (isOpen || (hold.from !== far && (hold.from !== null || !bytes.includes(hold.marker)))) {
      near.write(bytes);
      return;
    }
    hold.from = far;
    hold.held.push(() => near.write(bytes));
    hold.begun();
  }
}

export async function openHeldLink(redisUrl: string): Promise<HeldLink> {
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new HeldLink(server, new URL(redisUrl));
}
