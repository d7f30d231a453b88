import { Client } from './client.js';
import { Paced } from './paced.js';
import type { Listener } from './replays.js';
import type { Services } from './services.js';
import type { LiveMessage } from './stream.js';

/** The clients that have connections on this edge. */
export class Clients {
  readonly #services: Services;
  readonly #clients = new Map<string, Client>();
  readonly #reasserted: Paced<Client>;

  constructor(services: Services) {
    this.#services = services;
    this.#reasserted = new Paced(services.clock, async (client) => {
      if (!client.isDeserted && client.isOpen) await client.refill();
    });
  }

  get size(): number {
    return this.#clients.size;
  }

  get(clientId: string): Client | undefined {
    return this.#clients.get(clientId);
  }

  /** Takes a session in; `Client.admit` then registers it and starts it on the queue. */
  add(session: Listener, clientId: string): Client {
    let client = this.#clients.get(clientId);
    if (client === undefined) {
      client = new Client(clientId, this.#services);
      this.#clients.set(clientId, client);
    }
    client.add(session);
    this.#services.presence.hold(clientId);
    return client;
  }

  /** @param lingerMs how long the client still counts as present */
  remove(session: Listener, client: Client, lingerMs = 0): void {
    client.remove(session);
    this.#services.presence.release(client.id, lingerMs);
    if (client.isDeserted) this.#clients.delete(client.id);
  }

  onPrivate(clientId: string, message: LiveMessage): void {
    const client = this.#clients.get(clientId);
    if (client === undefined) this.#services.presence.disown(clientId);
    else client.onLive(message);
  }

  /**
   * After calls or messages may have been lost: registers the clients again and gives out what their
   * queues have gained.
   * @param isMeant whose; by default everybody's
   */
  reassert(isMeant: (clientId: string) => boolean = () => true): void {
    this.#reasserted.add([...this.#clients.values()].filter(({ id }) => isMeant(id)));
  }

  values(): IterableIterator<Client> {
    return this.#clients.values();
  }

  settle(nowMs: number): void {
    for (const client of this.#clients.values()) client.settle(nowMs);
  }
}
