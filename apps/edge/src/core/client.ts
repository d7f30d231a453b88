import {
  comparePositions,
  type GapFrame,
  type LogView,
  type Position,
  PRIVATE_HEAD,
  type ServerFrame,
} from '@halley/shared/protocol';
import type { Listener } from './replays.js';
import type { Services } from './services.js';
import type { Announce } from './start.js';
import { Stream } from './stream.js';
import type { StreamItem } from './tail.js';

/** A client on this edge: its connections here, and its queue as a stream that they follow. */
export class Client extends Stream {
  readonly id: string;
  readonly #services: Services;
  readonly sessions: Listener[] = [];
  readonly #joined: Listener[] = [];
  lastAck: Position | null = null;
  #ackWanted: Position | null = null;
  #isAcking = false;

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

  /** Registers the client for this session and starts it on the queue. */
  async admit(session: Listener, after: Position | null, announce: Announce): Promise<void> {
    await this.keepDuring(async () => {
      if (after !== null) await this.catchUp(after);
      this.beginFrom(session, await this.view(after), after, announce);
    });
    this.settle(this.#services.clock.now());
  }

  remove(session: Listener): void {
    removeFrom(this.sessions, session);
    removeFrom(this.#joined, session);
    this.abandon(session);
  }

  /** @returns false for a position that this client has never been given */
  ack(position: Position): boolean {
    if (!this.isOpen || comparePositions(position, this.position) > 0) return false;
    if (this.lastAck !== null && comparePositions(position, this.lastAck) <= 0) return true;
    this.lastAck = position;
    this.#ackWanted = position;
    if (!this.#isAcking) void this.#writeAcks();
    return true;
  }

  protected view(after: Position | null): Promise<LogView> {
    return this.#services.presence.register(this.id, after);
  }

  protected deliver(item: StreamItem): void {
    for (const session of this.#joined) session.replay(item);
  }

  protected join(listener: Listener): void {
    this.#joined.push(listener);
  }

  protected tellJoined(frame: ServerFrame): void {
    for (const session of this.#joined) session.send(frame);
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
      if (this.sessions.length > 0) callback();
    });
  }

  /** One write in flight; acknowledgements are cumulative, so the newest one says it all. */
  async #writeAcks(): Promise<void> {
    this.#isAcking = true;
    while (this.#ackWanted !== null) {
      const position = this.#ackWanted;
      this.#ackWanted = null;
      try {
        await this.#services.queues.acked(this.id, position);
      } catch (error) {
        // Not written: at worst the client is sent again what it has seen, and drops it by its id.
        this.#services.counters.storeFailed('ack', error);
      }
    }
    this.#isAcking = false;
  }
}

function removeFrom<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index !== -1) list.splice(index, 1);
}
