/** An app of MegaComet: it writes frames to the manager, and keeps whatever comes back. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from './wait.js';

/** `02 id 00 message 00` */
export function messageFrame(id: string | Uint8Array, message: string | Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.of(2),
    Buffer.from(id),
    Buffer.of(0),
    Buffer.from(message),
    Buffer.of(0),
  ]);
}

export function lineFrame(line: unknown, end = '\n'): Buffer {
  return Buffer.from(JSON.stringify(line) + end);
}

export class MegacometApp {
  readonly socket: Socket;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  #receivedBytes = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined); // Told by `closed`.
    socket.on('data', (bytes) => {
      this.#receivedBytes += bytes.length;
    });
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  send(...frames: readonly (string | Uint8Array)[]): void {
    this.socket.write(Buffer.concat(frames.map((frame) => Buffer.from(frame))));
  }

  /** Resolves when the system has taken the bytes: the next ones make a segment of their own. */
  async sendSegment(bytes: Uint8Array): Promise<void> {
    const taken = new Promise<void>((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    await within(taken, 'a segment is on its way');
  }

  /** FIN, and what the other side makes of it. */
  async end(): Promise<void> {
    this.socket.end();
    await within(this.closed, 'the manager closes, too');
  }

  /** RST. */
  async reset(): Promise<void> {
    this.socket.resetAndDestroy();
    await within(this.closed, 'the socket is gone');
  }
}

/** Resolves once the connection is made; the manager may close it all the same. */
export async function connectApp(port: number): Promise<MegacometApp> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const app = new MegacometApp(socket);
  await within(once(socket, 'connect'), 'a connection to the manager');
  return app;
}
