/** What both Socket.IO programs share: a server with the adapter that its docs advise for Redis 7. */

import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

/** `message` is what clients listen for, `subscribed` comes once a room's messages reach the server. */
interface Events {
  message: (message: unknown) => void;
  subscribed: () => void;
}

type None = Record<string, never>;
export type PeerServer = Server<None, Events>;

export interface Connected {
  readonly io: PeerServer;
  /** Resolves when Redis has confirmed every subscription that was asked for before. */
  subscribed(): Promise<unknown>;
}

/** @param http where clients connect; without, the server only emits */
export function connectServer(redisUrl: string, http?: HttpServer): Connected {
  const publisher = new Redis(redisUrl);
  const subscriber = publisher.duplicate();
  const io: PeerServer = new Server({
    adapter: createShardedAdapter(publisher, subscriber),
    transports: ['websocket'],
    perMessageDeflate: false,
    httpCompression: false,
    serveClient: false,
  });
  if (http !== undefined) io.attach(http);
  // Redis confirms in order.
  return { io, subscribed: () => subscriber.ssubscribe('bench:subscribed') };
}

/** Listens on any free loopback port, tells the parent, and goes when the parent does. */
export function serve(http: HttpServer): void {
  process.once('disconnect', () => process.exit());
  process.once('SIGTERM', () => process.exit());
  http.listen(0, '127.0.0.1', () => {
    process.send?.({ ready: true, port: (http.address() as AddressInfo).port });
  });
}
