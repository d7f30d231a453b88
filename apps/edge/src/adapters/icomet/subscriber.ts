import {
  closeNumber,
  type ErrorFrame,
  icometNumber,
  numberOf,
  type Position,
  type ServerFrame,
} from '@halley/shared/protocol';
import type { Deadline } from '../../core/deadlines.js';
import type { HttpReply } from '../../core/ports/http.js';
import type { Wire } from '../../core/ports/wire.js';
import type { StreamItem } from '../../core/tail.js';
import { ReplyConnection } from '../native-http/reply-connection.js';
import type { Room } from './rooms.js';
import type { Site } from './site.js';

export type Bytes = string | Uint8Array;

const decoder = new TextDecoder();

/** Where a subscriber begins, once that was looked up. */
export interface Beginning {
  readonly room: Room;
  /** Number of the first message that is wanted; null: whatever comes. */
  readonly from: number | null;
  /** Number of the next noop. */
  readonly noop: number;
}

/** A subscriber of one channel. Kept small: there are many. */
export abstract class Subscriber extends ReplyConnection<Site> implements Wire, Deadline {
  abstract override readonly fanoutWire: Wire & { encodeFor(room: Room, item: StreamItem): string };
  protected readonly room: Room;
  readonly #from: number | null;
  #noop: number;
  dueAtMs: number;

  constructor(site: Site, reply: HttpReply, { room, from, noop }: Beginning) {
    super(site, reply);
    this.room = room;
    this.#from = from;
    this.#noop = noop;
    this.dueAtMs = this.nextDueAtMs();
  }

  /** The answer begins: the channel is held, and what was asked for follows. */
  protected abstract started(): void;
  /** Objects of messages, as the wire of this path puts them. */
  protected abstract take(objects: Bytes): void;
  /** The channel was closed for its subscribers. */
  protected abstract closed(): void;
  /** The edge refuses this subscriber after all. */
  protected abstract refused(frame: ErrorFrame): void;
  /** The edge leaves. */
  protected abstract leave(): void;
  /** Silence has lasted long enough. */
  abstract due(): void;

  get name(): string {
    return this.fanoutWire.name;
  }

  /** Of what the core says this protocol has a word for little. */
  encode(frame: ServerFrame): string {
    if (frame.type === 'subscribed') this.started();
    else if (frame.type === 'unsubscribed') this.closed();
    else if (frame.type === 'error') this.refused(frame);
    else if (frame.type === 'goodbye') this.leave();
    return '';
  }

  encodeItem(item: StreamItem): string {
    if (this.#isWanted(item)) this.take(this.fanoutWire.encodeFor(this.room, item));
    return '';
  }

  encodeNative(): string {
    return '';
  }

  deliver(_topic: string, bytes: Bytes, _position: Position | null): void {
    if (bytes.length > 0) this.take(bytes);
  }

  /** What there is to say is said where it is encoded. */
  write(): void {}

  end(close: number, _reason: string): void {
    if (close === closeNumber('draining')) this.leave();
    else this.reply.close();
  }

  over(): void {
    this.site.deadlines.remove(this);
    this.site.rooms.leave(this.room);
    if (this.session !== null) this.site.edge.leave(this.session, this.lingerMs);
  }

  /** How long the channel stays occupied by this subscriber, who comes back. */
  protected abstract readonly lingerMs: number;

  protected nextDueAtMs(): number {
    return this.site.deadlines.nowMs + this.site.heartbeatMs;
  }

  protected takeNoop(): number {
    const noop = this.#noop;
    this.#noop = icometNumber(noop + 1);
    return noop;
  }

  /** A log that could not be shown to go on from where the client is comes as a whole. */
  #isWanted({ frame }: StreamItem): boolean {
    if (this.#from === null) return true;
    const number = numberOf(typeof frame === 'string' ? frame : decoder.decode(frame));
    return number !== null && icometNumber(number - this.#from) >= 0;
  }
}
