/** The way from the fleet to Redis, which can be cut, go silent, be slow, or lose live messages alone. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { LateBytes } from '../kit/late-bytes.js';

export type Hearer = 'edge' | 'api';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** Who hears live messages over it. */
  hearer: Hearer | null;
  /** What Redis sends over it is lost. */
  isDeaf: boolean;
}

export class RedisLink {
  /** The url of Redis by this way. */
  readonly url: string;
  readonly #server: Server;
  readonly #target: URL;
  readonly #pairs = new Set<Pair>();
  #isCut = false;
  #delayMs = 0;

  private constructor(server: Server, redisUrl: string) {
    this.#server = server;
    this.#target = new URL(redisUrl);
    const url = new URL(redisUrl);
    url.port = String((server.address() as AddressInfo).port);
    this.url = url.href;
    server.on('connection', (near) => this.#join(near));
  }

  static async open(redisUrl: string): Promise<RedisLink> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RedisLink(server, redisUrl);
  }

  /** Resets every connection, and each new one. */
  cut(): void {
    this.#isCut = true;
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  /** Each way takes so long from now on. */
  slowDown(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** The subscriber connections that stand now stay open and deliver nothing. */
  deafen(hearer: Hearer): void {
    for (const pair of this.#pairs) pair.isDeaf ||= pair.hearer === hearer;
  }

  /** Connections that are deaf and still stand. */
  deaf(hearer: Hearer): number {
    return [...this.#pairs].filter((pair) => pair.isDeaf && pair.hearer === hearer).length;
  }

  heal(): void {
    this.#isCut = false;
    this.#delayMs = 0;
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    if (this.#isCut) {
      near.resetAndDestroy();
      return;
    }
    const { hostname, port } = this.#target;
    const far = connect({ host: hostname, port: Number(port), noDelay: true });
    const pair: Pair = { near, far, hearer: null, isDeaf: false };
    this.#pairs.add(pair);
    const delayMs = () => this.#delayMs;
    const there = new LateBytes(far, delayMs);
    const back = new LateBytes(near, delayMs);
    near.on('data', (bytes) => {
      pair.hearer = hearerOf(bytes) ?? pair.hearer;
      there.send(bytes);
    });
    far.on('data', (bytes) => {
      if (!pair.isDeaf) back.send(bytes);
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => undefined); // Told by `close`.
      socket.once('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
  }
}

function hearerOf(bytes: Buffer): Hearer | null {
  const text = bytes.toString('latin1');
  if (!/\r\nssubscribe\r\n/i.test(text)) return null;
  return /:api:/.test(text) ? 'api' : 'edge';
}
