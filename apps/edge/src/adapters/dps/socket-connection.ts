import {
  closeNumber,
  type ErrorFrame,
  type Position,
  type ServerFrame,
} from '@halley/shared/protocol';
import type { Connection, Follower } from '../../core/ports/connection.js';
import type { Wire } from '../../core/ports/wire.js';
import type { Session } from '../../core/session.js';
import type { StreamItem } from '../../core/tail.js';
import { channelOfItem } from '../native-http/encode.js';
import type { SocketAsked } from './decode.js';
import { batchText, dataOf, socketWire, stampOf } from './encode.js';
import { closeOf, reasonOf } from './errors.js';
import { Harvest } from './harvest.js';
import type { Site } from './site.js';

type Bytes = string | Uint8Array;

/** What is collected for one frame. */
interface History {
  readonly harvest: Harvest;
  /** Live frames that came meanwhile. */
  readonly late: Bytes[];
  lateBytes: number;
}

/** A WebSocket: the kept messages of its channels in one frame, and then one frame for each message. */
export class SocketConnection implements Connection, Follower, Wire {
  readonly fanoutWire = socketWire;
  readonly #site: Site;
  readonly #link: Connection;
  readonly #asked: SocketAsked;
  session: Session | null = null;
  #unanswered: number;
  #history: History | null;

  constructor(site: Site, link: Connection, asked: SocketAsked) {
    this.#site = site;
    this.#link = link;
    this.#asked = asked;
    this.#unanswered = asked.channels.length;
    this.#history = this.#newHistory();
  }

  get name(): string {
    return socketWire.name;
  }

  /** Of what the core says this protocol has no word for most. */
  encode(frame: ServerFrame): string {
    if (frame.type === 'subscribed') this.#subscribed();
    else if (frame.type === 'error') this.#refused(frame);
    else if (frame.type === 'unsubscribed') this.end(closeNumber('disconnected'), 'kicked');
    else if (frame.type === 'goodbye') this.end(frame.code, 'draining');
    return '';
  }

  encodeItem(item: StreamItem): string {
    const channel = channelOfItem(item);
    if (channel === null || stampOf(item.id) <= this.#asked.since) return '';
    if (this.#history === null) {
      // A long replay goes on.
      this.#history = this.#newHistory();
      queueMicrotask(() => this.#flush());
    }
    this.#history.harvest.add(channel, item.id, dataOf(item.frame), item.prev);
    return '';
  }

  encodeNative(): string {
    return '';
  }

  deliver(_topic: string, bytes: Bytes, _position: Position | null): void {
    if (bytes.length === 0) return;
    if (this.#history === null) {
      this.#link.write(bytes);
      return;
    }
    this.#history.late.push(bytes);
    this.#history.lateBytes += bytes.length;
  }

  /** What there is to say is said where it is encoded. */
  write(): void {}

  follow(topic: string): void {
    this.#site.followers.follow(topic, this);
  }

  unfollow(topic: string): void {
    this.#site.followers.unfollow(topic, this);
  }

  end(close: number, reason: string): void {
    this.#link.end(close, reason);
  }

  bufferedBytes(): number {
    const { harvest, lateBytes } = this.#history ?? { harvest: null, lateBytes: 0 };
    return this.#link.bufferedBytes() + lateBytes + (harvest?.bytes ?? 0);
  }

  address(): string {
    return this.#link.address();
  }

  get addressKey(): number {
    return this.#link.addressKey;
  }

  #newHistory(): History {
    const seen = this.#asked.channels.map((channel) => [channel, null] as const);
    return { harvest: new Harvest(seen), late: [], lateBytes: 0 };
  }

  /** What is replayed follows in this turn. */
  #subscribed(): void {
    this.#unanswered -= 1;
    if (this.#unanswered === 0) queueMicrotask(() => this.#flush());
  }

  #refused(frame: ErrorFrame): void {
    this.end(closeOf(frame.code), reasonOf(frame));
  }

  #flush(): void {
    const { harvest, late } = this.#history ?? {};
    this.#history = null;
    const { messages = [], last = null } = harvest?.take(Number.POSITIVE_INFINITY) ?? {};
    if (last !== null) this.#link.write(batchText(stampOf(last), messages));
    for (const bytes of late ?? []) this.#link.write(bytes);
    // A replay may have paused for what was collected here; a socket that took it all tells nobody.
    if (this.session !== null && this.#link.bufferedBytes() === 0) {
      this.#site.edge.drained(this.session);
    }
  }
}
