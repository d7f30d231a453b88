import type { LogView, Position } from '@halley/shared/protocol';
import { Departed } from './departed.js';
import { Paced } from './paced.js';
import type { Clock } from './ports/clock.js';
import type { QueueStore } from './ports/stores.js';

interface Entry {
  /** Connections of the client on this edge: more than none means that it should be registered. */
  connections: number;
  /** What Redis is known to hold; null after an unknown outcome, which counts as not applied. */
  isRegistered: boolean | null;
  /** Last call of this client: the next one begins when it has ended. */
  last: Promise<unknown> | null;
  /** Ends the time in which one of the connections only counts as one: its client polls again. */
  stopLinger: (() => void) | null;
}

function entryOf(connections: number, isRegistered: boolean | null): Entry {
  return { connections, isRegistered, last: null, stopLinger: null };
}

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

/**
 * Which clients this edge holds, and the same in Redis. One call in flight per client, in order, and
 * repeated until what Redis has is what is wanted: replies may be lost and connections come and go
 * meanwhile, but a connected client is never absent and nothing stale stays.
 */
export class Presence {
  readonly #store: QueueStore;
  readonly #clock: Clock;
  readonly #graceMs: number;
  /** A number: so many connections of a client that is registered, and nothing is under way. */
  readonly #entries = new Map<string, Entry | number>();
  readonly #graces = new Map<string, () => void>();
  readonly #departed = new Departed<string>();
  readonly #disowned: Paced<string>;

  /** @param graceMs how long a client may be away before its watchers are told */
  constructor(store: QueueStore, clock: Clock, graceMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#disowned = new Paced(clock, (clientId) => this.#disown(clientId));
  }

  /** One more connection of this client; `register` makes it known. */
  hold(clientId: string): void {
    const held = this.#entries.get(clientId);
    if (typeof held === 'number') this.#entries.set(clientId, held + 1);
    else if (held !== undefined) held.connections += 1;
    else this.#entries.set(clientId, entryOf(1, false));
  }

  /**
   * One connection fewer; the last one takes the client out.
   * @param lingerMs how long it counts still; of several such connections the last one alone does
   */
  release(clientId: string, lingerMs = 0): void {
    const entry = this.#entry(clientId);
    if (entry === undefined) return;
    if (lingerMs > 0) {
      const wasLingering = entry.stopLinger !== null;
      entry.stopLinger?.();
      entry.stopLinger = this.#clock.after(lingerMs, () => this.#endLinger(clientId, entry));
      if (!wasLingering) return;
    }
    this.#drop(clientId, entry);
  }

  isHeld(clientId: string): boolean {
    const held = this.#entries.get(clientId) ?? 0;
    return (typeof held === 'number' ? held : held.connections) > 0;
  }

  /** Registers the client, again if need be, and reads its queue after a position. */
  register(clientId: string, after: Position | null): Promise<LogView> {
    const entry = this.#entry(clientId);
    if (entry === undefined) return Promise.reject(new Error('register before hold'));
    return this.#inOrder(clientId, entry, async () => {
      entry.isRegistered = null;
      const view = await this.#store.connect(clientId, after);
      entry.isRegistered = true;
      return view;
    });
  }

  /** A message came for a client that is not here: what Redis holds is stale. */
  disown(clientId: string): void {
    void this.#disown(clientId);
  }

  /** After Redis may have lost what it had answered: those who left must not come back by that. */
  reassert(isMeant: (clientId: string) => boolean = () => true): void {
    this.#disowned.add(this.#departed.lately(this.#clock.now()).filter(isMeant));
  }

  /** Resolves when Redis holds what is wanted; the graces that run are cut short. */
  async flush(): Promise<void> {
    for (const [clientId, held] of this.#entries) {
      if (typeof held !== 'number') this.#endLinger(clientId, held);
    }
    const calls = [...this.#entries.values()].map((held) =>
      typeof held === 'number' ? null : held.last,
    );
    await Promise.all(calls);
    const waiting = [...this.#graces.keys()];
    for (const stop of this.#graces.values()) stop();
    this.#graces.clear();
    await Promise.all(waiting.map((clientId) => this.#tellOffline(clientId)));
  }

  async #disown(clientId: string): Promise<void> {
    if (this.#entries.has(clientId)) return;
    const entry = entryOf(0, null);
    this.#entries.set(clientId, entry);
    await this.#retire(clientId, entry);
  }

  #entry(clientId: string): Entry | undefined {
    const held = this.#entries.get(clientId);
    if (typeof held !== 'number') return held;
    const entry = entryOf(held, true);
    this.#entries.set(clientId, entry);
    return entry;
  }

  /** Back to a number, where that says it all; or out. */
  #settle(clientId: string, { connections, isRegistered, last, stopLinger }: Entry): void {
    if (last !== null) return;
    if (connections === 0) this.#entries.delete(clientId);
    else if (isRegistered === true && stopLinger === null) this.#entries.set(clientId, connections);
  }

  #endLinger(clientId: string, entry: Entry): void {
    if (entry.stopLinger === null) return;
    entry.stopLinger();
    entry.stopLinger = null;
    this.#drop(clientId, entry);
  }

  #drop(clientId: string, entry: Entry): void {
    entry.connections -= 1;
    if (entry.connections === 0) void this.#retire(clientId, entry);
    else this.#settle(clientId, entry);
  }

  #inOrder<T>(clientId: string, entry: Entry, call: () => Promise<T>): Promise<T> {
    const result = entry.last === null ? call() : entry.last.then(call);
    const last = result.then(
      () => undefined,
      () => undefined,
    );
    entry.last = last;
    void last.then(() => {
      if (entry.last !== last) return;
      entry.last = null;
      // Not before: a second entry of this client would have calls in flight beside those that wait.
      this.#settle(clientId, entry);
    });
    return result;
  }

  #retire(clientId: string, entry: Entry): Promise<void> {
    return this.#inOrder(clientId, entry, () => this.#takeOut(clientId, entry));
  }

  async #takeOut(clientId: string, entry: Entry): Promise<void> {
    let delayMs = RETRY_MIN_MS;
    while (entry.connections === 0 && entry.isRegistered !== false) {
      try {
        const { edges, watched } = await this.#store.disconnect(clientId);
        entry.isRegistered = false;
        this.#departed.note(clientId, this.#clock.now());
        if (edges === 0 && watched) this.#startGrace(clientId);
      } catch {
        entry.isRegistered = null;
        await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
        delayMs = Math.min(RETRY_MAX_MS, 2 * delayMs);
      }
    }
  }

  #startGrace(clientId: string): void {
    this.#graces.get(clientId)?.();
    const stop = this.#clock.after(this.#graceMs, () => {
      this.#graces.delete(clientId);
      void this.#tellOffline(clientId);
    });
    this.#graces.set(clientId, stop);
  }

  async #tellOffline(clientId: string): Promise<void> {
    if (this.isHeld(clientId)) return;
    // Watchers that miss this see the truth with the next change, or when they subscribe again.
    await this.#store.offline(clientId).catch(() => undefined);
  }
}
