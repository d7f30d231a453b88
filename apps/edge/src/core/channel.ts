import {
  CLIENT_CHANNEL_PREFIX,
  type GapFrame,
  type LogView,
  messageHead,
  type Position,
  type ServerFrame,
} from '@halley/shared/protocol';
import type { Connection } from './ports/connection.js';
import type { NamespaceOptions } from './ports/namespaces.js';
import type { Listener } from './replays.js';
import type { Services } from './services.js';
import { Stream } from './stream.js';
import type { StreamItem } from './tail.js';

/** A connection that holds a channel, as the channel sees it. */
export interface ChannelListener extends Listener {
  readonly connection: Connection;
}

/** A channel that this edge is subscribed to in Redis. */
export class Channel extends Stream {
  readonly name: string;
  readonly options: NamespaceOptions;
  readonly #services: Services;
  /** Sessions of this edge that hold the channel. */
  listeners = 0;
  /** What Redis was last told of them; null: unknown. */
  reportedListeners: number | null = null;
  /** The report under way. */
  reporting: Promise<void> | null = null;
  /** Unix ms of the moment in which the last listener left. */
  idleSinceMs = 0;
  /** Unix ms until which it counts as occupied without listeners: they are about to poll again. */
  occupiedUntilMs = 0;
  #opening: Promise<void> | null = null;

  constructor(name: string, options: NamespaceOptions, services: Services) {
    super();
    this.name = name;
    this.options = options;
    this.#services = services;
  }

  /** Resolves when the channel is subscribed in Redis and its high water is known. */
  ready(): Promise<void> {
    if (this.isOpen) return Promise.resolve();
    this.#opening ??= this.#open();
    return this.#opening;
  }

  protected get frameHead(): string {
    return messageHead(this.name);
  }

  get ageMs(): number {
    // The present state of a client is as old as it is.
    if (this.name.startsWith(CLIENT_CHANNEL_PREFIX)) return Number.POSITIVE_INFINITY;
    return this.options.historySeconds * 1_000;
  }

  get isStrictOnAge(): boolean {
    return false;
  }

  protected get replayAheadBytes(): number {
    return this.#services.limits.replayAheadBytes;
  }

  protected get keepsTail(): boolean {
    return this.options.historySize > 0;
  }

  /** Live messages do not reach the listener any more, nor does the rest of a replay. */
  leave(listener: ChannelListener): void {
    this.abandon(listener);
    listener.connection.unfollow(this.name);
  }

  /** Takes a listener back that has missed something. */
  rejoin(listener: ChannelListener): void {
    listener.send(this.gapFrame(this.position));
    this.join(listener);
  }

  async #open(): Promise<void> {
    const listeners = this.listeners;
    const position = await this.#services.channels.open(this.name, listeners);
    this.reportedListeners = listeners;
    this.#opening = null;
    this.open(position);
  }

  protected view(after: Position | null): Promise<LogView> {
    return this.#services.channels.view(this.name, after);
  }

  protected deliver(item: StreamItem): void {
    this.#services.fanout.publish(this.name, item);
    this.#services.outflow.add(item.frame.length);
    this.#services.counters.delivered(this.listeners, this.listeners * item.frame.length);
  }

  protected join(listener: Listener): void {
    (listener as ChannelListener).connection.follow(this.name);
  }

  protected tellJoined(frame: ServerFrame): void {
    this.#services.fanout.tell(this.name, frame);
  }

  protected gapFrame(position: Position): GapFrame {
    return { type: 'gap', channel: this.name, position };
  }

  protected rolledBack(cut: Position): void {
    const ttlMs = 2 * this.options.historySeconds * 1_000;
    this.#services.counters.rolledBack();
    this.#services.channels
      .cut(this.name, cut, ttlMs)
      .catch((error: unknown) => this.readFailed(error));
  }

  protected readFailed(error: unknown): void {
    this.#services.counters.storeFailed('log', error);
  }

  protected later(delayMs: number, callback: () => void): void {
    this.#services.clock.after(delayMs, () => {
      if (this.listeners > 0) callback();
    });
  }
}
