import {
  comparePositions,
  type GapFrame,
  type LogView,
  type Position,
  PRIVATE_HEAD,
  type ServerFrame,
} from '@halley/shared/protocol';
import { type Few, itemsOf, withItem, withoutItem } from './few.js';
import type { Listener } from './replays.js';
import type { Services } from './services.js';
import type { Announce } from './start.js';
import { Stream } from './stream.js';
import type { StreamItem } from './tail.js';

/** What is to be acknowledged once the write under way is done. */
interface Acking {
  wanted: Position | null;
}

/** A client on this edge: its connections here, and its queue as a stream that they follow. */
export class Client extends Stream {
  readonly id: string;
  readonly #services: Services;
  #sessions: Few<Listener> = null;
  #joined: Few<Listener> = null;
  /** Newest position that a connection here has acknowledged. */
  lastAck: Position | null = null;
  /** Null while none is being written. */
  #acking: Acking | null = null;

  constructor(id: string, services: Services) {
    super();
    this.id = id;
    this.#services = services;
  }

  protected get frameHead(): string {
    return PRIVATE_HEAD;
  }

  get ageMs(): number {
    return this.#services.limits.queueMs;
  }

  get isStrictOnAge(): boolean {
    return true;
  }

  protected get replayAheadBytes(): number {
    return this.#services.limits.replayAheadBytes;
  }

  protected get keepsTail(): boolean {
    return false;
  }

  /** Its connections here, the oldest first. */
  get sessions(): readonly Listener[] {
    return itemsOf(this.#sessions);
  }

  get isDeserted(): boolean {
    return this.#sessions === null;
  }

  add(session: Listener): void {
    this.#sessions = withItem(this.#sessions, session);
  }

  /** Registers the client for this session and starts it on the queue. */
  async admit(session: Listener, after: Position | null, announce: Announce): Promise<void> {
    await this.keepDuring(async () => {
      if (after !== null) await this.catchUp(after);
      const view = await this.view(after);
      // What was acknowledged at another edge may still be on its way to this one.
      const [first] = view.entries;
      if (first !== undefined) await this.catchUp(first.prev);
      this.beginFrom(session, view, after, announce);
    });
    this.settle(this.#services.clock.now());
  }

  /** Starts a session anew on what nobody has acknowledged; it is not given what comes meanwhile. */
  async readmit(session: Listener): Promise<void> {
    this.#joined = withoutItem(this.#joined, session);
    this.abandon(session);
    await this.admit(session, null, () => !session.isGone);
  }

  remove(session: Listener): void {
    this.#sessions = withoutItem(this.#sessions, session);
    this.#joined = withoutItem(this.#joined, session);
    this.abandon(session);
  }

  /** @returns false for a position that this client has never been given */
  ack(position: Position): boolean {
    if (!this.isOpen || comparePositions(position, this.position) > 0) return false;
    if (this.lastAck !== null && comparePositions(position, this.lastAck) <= 0) return true;
    this.lastAck = position;
    if (this.#acking === null) void this.#writeAcks(position);
    else this.#acking.wanted = position;
    return true;
  }

  protected view(after: Position | null): Promise<LogView> {
    return this.#services.presence.register(this.id, after);
  }

  protected deliver(item: StreamItem): void {
    this.#services.outflow.add(item.frame.length);
    for (const session of itemsOf(this.#joined)) session.replay(item);
  }

  protected join(listener: Listener): void {
    this.#joined = withItem(this.#joined, listener);
  }

  protected tellJoined(frame: ServerFrame): void {
    for (const session of itemsOf(this.#joined)) session.send(frame);
  }

  protected gapFrame(position: Position): GapFrame {
    return { type: 'gap', position };
  }

  protected rolledBack(): void {
    this.#services.counters.rolledBack();
  }

  protected readFailed(error: unknown): void {
    this.#services.counters.storeFailed('queue', error);
  }

  protected later(delayMs: number, callback: () => void): void {
    this.#services.clock.after(delayMs, () => {
      if (!this.isDeserted) callback();
    });
  }

  /** One write in flight; acknowledgements are cumulative, so the newest one says it all. */
  async #writeAcks(first: Position): Promise<void> {
    const acking: Acking = { wanted: first };
    this.#acking = acking;
    while (acking.wanted !== null) {
      const position = acking.wanted;
      acking.wanted = null;
      try {
        await this.#services.queues.acked(this.id, position);
      } catch (error) {
        // Not written: at worst the client is sent again what it has seen, and drops it by its id.
        this.#services.counters.storeFailed('ack', error);
      }
    }
    this.#acking = null;
  }
}
