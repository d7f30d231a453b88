import type { RawJson, ServerFrame } from '@halley/shared/protocol';
import type { Channel, ChannelListener } from './channel.js';
import type { Client } from './client.js';
import { type Few, itemsOf, withItem, withoutItem } from './few.js';
import type { Grant, Identity } from './ports/authorizer.js';
import type { Connection } from './ports/connection.js';
import type { Subject } from './ports/counters.js';
import type { Wire } from './ports/wire.js';
import type { Usage } from './rate-limit.js';
import type { StreamItem } from './tail.js';

/** As unix ms the time of each session would be an object of its own. */
const EPOCH_MS = Date.now();

/** One connection: who it is, what it holds, how to talk to it. Kept small: there are a million. */
export class Session implements ChannelListener {
  readonly connectionId: string;
  readonly connection: Connection;
  readonly wire: Wire;
  readonly #since: number;
  identity: Identity;
  client: Client | null = null;
  #channels: Few<Channel> = null;
  /** Rights for single channels, by a token of their own or by a backend's word. */
  grants: Map<string, Grant> | null = null;
  /** Commands under way by channel: the next one on the same channel waits. */
  pending: Map<string, Promise<void>> | null = null;
  /** What it has used of its rates; null while it has used nothing. */
  usage: Usage | null = null;
  /** Channels that are being taken, and not held yet. */
  opening = 0;
  isGone = false;
  /** Was told to end; it may take a moment until it has. */
  isEnding = false;

  constructor(
    connectionId: string,
    connection: Connection,
    wire: Wire,
    identity: Identity,
    sinceMs: number,
  ) {
    this.connectionId = connectionId;
    this.connection = connection;
    this.wire = wire;
    this.identity = identity;
    this.#since = sinceMs - EPOCH_MS;
  }

  /** Unix ms. */
  get sinceMs(): number {
    return EPOCH_MS + this.#since;
  }

  /** Where it comes from, also once its socket is gone. */
  get addressKey(): number {
    return this.connection.addressKey;
  }

  get channels(): readonly Channel[] {
    return itemsOf(this.#channels);
  }

  /** Under which name others see it in a channel. */
  get member(): string {
    return this.identity.clientId ?? this.connectionId;
  }

  get info(): RawJson | null {
    return this.identity.info;
  }

  /** What the other members of a channel see of it. */
  infoIn(channel: string): RawJson | null {
    return this.grants?.get(channel)?.info ?? this.identity.info;
  }

  get subject(): Subject {
    return { connectionId: this.connectionId, clientId: this.identity.clientId ?? undefined };
  }

  grant(channel: string, right: Grant): void {
    this.grants ??= new Map();
    this.grants.set(channel, right);
  }

  send(frame: ServerFrame): void {
    this.connection.write(this.wire.encode(frame));
  }

  /** An answer that was put together as text. */
  sendText(text: string): void {
    this.connection.write(this.wire.encodeNative(text));
  }

  replay(item: StreamItem): void {
    this.connection.write(this.wire.encodeItem(item));
  }

  isCongested(aheadBytes: number): boolean {
    return this.connection.bufferedBytes() > aheadBytes;
  }

  end(close: number, reason: string): void {
    this.isEnding = true;
    this.connection.end(close, reason);
  }

  holds(name: string): Channel | undefined {
    return this.channels.find((channel) => channel.name === name);
  }

  take(channel: Channel): void {
    this.#channels = withItem(this.#channels, channel);
  }

  drop(channel: Channel): void {
    this.#channels = withoutItem(this.#channels, channel);
    this.grants?.delete(channel.name);
  }
}
