/**
 * The port of the MegaComet manager: apps write frames, nothing is ever answered. PROTOCOL.md beside this
 * file has the rules.
 */

import { once, setMaxListeners } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type Logger, Networks } from '@halley/shared/ops';
import type { Publisher } from '@halley/shared/publish';
import type { Services } from '../../control/services.js';
import { serveConnection } from './connection.js';
import { ManagerCounters } from './counters.js';
import { KEEP_ALIVE_MS, MANAGER_MAX_CONNECTIONS } from './limits.js';
import { OrderedPublisher } from './ordered-publisher.js';

export class MegacometManager {
  readonly #publisher: Publisher;
  readonly #allowed: Networks;
  readonly #counters: ManagerCounters;
  readonly #log: Logger;
  readonly #server: Server;
  /** Each connection with the end of the work for it. */
  readonly #connections = new Map<Socket, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor({ settings, publisher, metrics, log }: Services) {
    this.#publisher = publisher;
    this.#allowed = new Networks(settings.api.megacometAllow);
    this.#log = log;
    this.#counters = new ManagerCounters(metrics, log, () => this.#connections.size);
    setMaxListeners(MANAGER_MAX_CONNECTIONS, this.#stopping.signal);
    this.#server = createServer({ keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  /** @throws Error when nobody may listen there, or somebody does */
  async listen(host: string, port: number): Promise<void> {
    try {
      this.#server.listen({ host, port, exclusive: true });
      await once(this.#server, 'listening');
    } catch (error) {
      throw new Error(`${host}:${port} is taken, or no address of this machine`, { cause: error });
    }
    this.#server.on('error', (error) => this.#log.error({ err: error }, 'megacomet manager'));
  }

  /**
   * No new connections, and no more is read of those that are open; what was read is published, for at
   * most `deadlineMs`.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
    const published = Promise.all(this.#connections.values());
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([published, deadline]);
    clearTimeout(timer);
    this.#counters.close();
  }

  #accept(socket: Socket): void {
    // The reader hears of errors as well; this is for those before its first and after its last read.
    socket.on('error', () => undefined);
    const { remoteAddress = '' } = socket;
    const refused = this.#refusalOf(remoteAddress);
    if (refused !== null) {
      this.#counters.refused(refused, remoteAddress);
      socket.destroy();
      return;
    }
    this.#connections.set(
      socket,
      this.#serve(socket).finally(() => this.#connections.delete(socket)),
    );
  }

  #refusalOf(address: string): 'not-allowed' | 'too-many' | null {
    if (!this.#allowed.includes(address)) return 'not-allowed';
    return this.#connections.size >= MANAGER_MAX_CONNECTIONS ? 'too-many' : null;
  }

  async #serve(socket: Socket): Promise<void> {
    const counters = this.#counters;
    const signal = this.#stopping.signal;
    const publisher = new OrderedPublisher({ publisher: this.#publisher, counters, signal });
    try {
      await serveConnection(socket, { publisher, counters });
    } catch (error) {
      if (isSocketError(error)) this.#log.debug({ err: error }, 'a connection broke off');
      else this.#log.error({ err: error }, 'a defect in the MegaComet manager');
    } finally {
      socket.destroy();
    }
  }
}

function isSocketError(error: unknown): boolean {
  return error instanceof Error && 'code' in error;
}
