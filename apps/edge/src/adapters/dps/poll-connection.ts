import { type Position, type Refusal, refusal, type ServerFrame } from '@halley/shared/protocol';
import type { Deadline } from '../../core/deadlines.js';
import type { Connection, Follower } from '../../core/ports/connection.js';
import type { Headers, HttpReply, ReplyListener } from '../../core/ports/http.js';
import type { Mark } from '../../core/ports/marks.js';
import type { Wire } from '../../core/ports/wire.js';
import type { Session } from '../../core/session.js';
import type { StreamItem } from '../../core/tail.js';
import { refusalOfClose } from '../megacomet/errors.js';
import { channelOfItem } from '../native-http/encode.js';
import { DRAINING } from '../native-http/errors.js';
import { batchText, dataOf, pollWire, textOf } from './encode.js';
import { answerRefusal } from './errors.js';
import { Harvest } from './harvest.js';

/** How long a poll waits for a message. */
export const POLL_WAIT_MS = 30_000;
/** How long a session lives without a poll. */
export const SESSION_IDLE_MS = 30_000;
export const SESSION_POLLED_MS = POLL_WAIT_MS + SESSION_IDLE_MS;
/** Messages of one answer; the rest comes with the next poll. */
export const ANSWER_MAX_MESSAGES = 100;

export interface Visit {
  readonly session: string;
  readonly headers: Headers;
  /** What the client has shown. */
  readonly seq: number;
  readonly channels: readonly string[];
  /** Where it goes on; null: it begins. */
  readonly mark: Mark | null;
}

/** What a poll needs of those who let it in. */
export interface PollHost {
  readonly nowMs: number;
  readonly isDraining: boolean;
  follow(topic: string, follower: Follower): void;
  unfollow(topic: string, follower: Follower): void;
  /** Calls `due` when the poll has waited long enough. */
  wait(poll: PollConnection): void;
  /** Keeps marks for the next poll, on whatever edge. @returns why that cannot be, or null */
  note(poll: PollConnection, marks: readonly Mark[], lifeMs: number): Promise<Refusal | null>;
  over(poll: PollConnection): void;
}

/**
 * One poll of a session. The answer goes out once its mark is kept: whoever has the answer can go on from
 * there on any edge, and whoever has not asks again by the mark before. Kept small: there are many.
 */
export class PollConnection implements Connection, Follower, Wire, ReplyListener, Deadline {
  readonly #host: PollHost;
  readonly #reply: HttpReply;
  readonly #visit: Visit;
  readonly #harvest: Harvest;
  session: Session | null = null;
  readonly dueAtMs: number;
  /** Channels that have not been answered yet. */
  #unanswered: number;
  #isOpen = false;
  #isAnswering = false;

  constructor(host: PollHost, reply: HttpReply, visit: Visit) {
    this.#host = host;
    this.#reply = reply;
    this.#visit = visit;
    this.#harvest = new Harvest(visit.mark?.seen ?? visit.channels.map((name) => [name, null]));
    this.#unanswered = visit.channels.length;
    this.dueAtMs = host.nowMs + POLL_WAIT_MS;
    reply.listener = this;
  }

  get visit(): Visit {
    return this.#visit;
  }

  get name(): string {
    return pollWire.name;
  }

  get fanoutWire(): Wire {
    return pollWire;
  }

  encode(frame: ServerFrame): string {
    if (frame.type === 'subscribed') {
      if (frame.replayed === undefined) this.#harvest.beginAt(frame.channel, frame.position);
      this.#unanswered -= 1;
      // What is replayed follows in this turn.
      if (this.#unanswered === 0) queueMicrotask(() => this.#opened());
    } else if (frame.type === 'gap' && frame.channel !== undefined) {
      this.#harvest.add(frame.channel, frame.position, null);
    } else if (frame.type === 'unsubscribed') this.#refuse(refusal('kicked'));
    else if (frame.type === 'error') this.#refuse(frame);
    else if (frame.type === 'goodbye') this.#refuse(DRAINING);
    return '';
  }

  encodeItem(item: StreamItem): string {
    const channel = channelOfItem(item);
    if (channel !== null) this.#take(channel, item.id, dataOf(item.frame), item.prev);
    return '';
  }

  encodeNative(): string {
    return '';
  }

  deliver(topic: string, bytes: string | Uint8Array, position: Position | null): void {
    if (position === null) return;
    this.#take(topic, position, bytes.length === 0 ? null : textOf(bytes), position);
  }

  /** What there is to say is said where it is encoded. */
  write(): void {}

  follow(topic: string): void {
    this.#host.follow(topic, this);
  }

  unfollow(topic: string): void {
    this.#host.unfollow(topic, this);
  }

  end(close: number): void {
    this.#refuse(refusalOfClose(close));
  }

  /** A long replay pauses here, and goes on in the next poll. */
  bufferedBytes(): number {
    return this.#harvest.bytes;
  }

  address(): string {
    return this.#reply.address();
  }

  get addressKey(): number {
    return this.#reply.addressKey;
  }

  due(): void {
    void this.#answer();
  }

  /** A newer poll of the session takes its place: the client is told of nothing. */
  giveWay(): void {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    this.#send(this.#visit.seq, []);
  }

  drained(): void {}

  over(): void {
    this.#host.over(this);
  }

  #take(channel: string, id: Position, data: string | null, prev: Position): void {
    // What comes while the mark is being kept is for the next poll.
    if (this.#isAnswering) return;
    const hadMessages = this.#harvest.hasMessages;
    this.#harvest.add(channel, id, data, prev);
    // At the end of this turn: what comes in it is one answer.
    if (this.#isOpen && !hadMessages && data !== null) queueMicrotask(() => void this.#answer());
  }

  #opened(): void {
    if (this.#isAnswering) return;
    this.#isOpen = true;
    this.#host.wait(this);
    if (this.#harvest.hasMessages) void this.#answer();
    else if (this.#visit.mark === null) void this.#begin();
  }

  /** From now on the session is known: if this poll gets lost, the next one goes on from here. */
  async #begin(): Promise<void> {
    const refused = await this.#host.note(this, [this.#shown], SESSION_POLLED_MS);
    if (refused !== null) this.#refuse(refused);
  }

  async #answer(): Promise<void> {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    const { messages, seen, hasMoved } = this.#harvest.take(ANSWER_MAX_MESSAGES);
    const seq = this.#visit.seq + messages.length;
    const marks = hasMoved ? [this.#shown, { seq, seen }] : [];
    const refused = await this.#host.note(this, marks, SESSION_IDLE_MS);
    if (refused === null) this.#send(seq, messages);
    else answerRefusal(this.#reply, refused, this.#visit.headers);
  }

  /** The mark that the client has shown: kept, so that it may show it once more. */
  get #shown(): Mark {
    const { seq, mark } = this.#visit;
    return { seq, seen: mark?.seen ?? this.#harvest.begin };
  }

  #send(seq: number, messages: readonly string[]): void {
    this.#reply.answer(
      '200 OK',
      [['Content-Type', 'application/json'], ...this.#visit.headers],
      `${batchText(seq, messages)}\n`,
      this.#host.isDraining,
    );
  }

  /** Not while an answer is on its way. */
  #refuse(refused: Refusal): void {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    answerRefusal(this.#reply, refused, this.#visit.headers);
  }
}
