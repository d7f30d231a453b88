import type { ErrorFrame, Position, Refusal, ServerFrame } from '@halley/shared/protocol';
import type { Deadline } from '../../core/deadlines.js';
import type { Connection, Follower } from '../../core/ports/connection.js';
import type { HttpReply, ReplyListener } from '../../core/ports/http.js';
import type { Wire } from '../../core/ports/wire.js';
import type { Session } from '../../core/session.js';
import type { StreamItem } from '../../core/tail.js';
import { pollWire } from './encode.js';
import type { Progress } from './progress.js';
import type { Site } from './site.js';

type Bytes = string | Uint8Array;

/** What comes of a poll: the frames as JSON texts, and how far the client has seen with them. */
export interface PollAnswer {
  readonly cursor: string;
  readonly frames: readonly Bytes[];
}

/** Exactly one of the two is called, once. */
export interface PollOutcome {
  answer(answer: PollAnswer): void;
  /** Nothing could be read: the client had better wait before it asks again. */
  refuse(refused: Refusal): void;
}

export interface PollOptions {
  readonly channelCount: number;
  /** The client has no cursor yet: it is told at once where it stands. */
  readonly isFirst: boolean;
  readonly waitMs: number;
}

/**
 * One poll: collects frames until something is worth an answer, then answers and is over. What comes
 * between two polls is read by the next one, from where this one's cursor ends.
 */
export class PollConnection implements Connection, Follower, Wire, ReplyListener, Deadline {
  readonly name = pollWire.name;
  readonly fanoutWire = pollWire;
  readonly #site: Site;
  readonly #reply: HttpReply;
  readonly #progress: Progress;
  readonly #outcome: PollOutcome;
  session: Session | null = null;
  /** Unix ms; nothing came until then. */
  readonly dueAtMs: number;
  #frames: Bytes[] = [];
  #bytes = 0;
  /** Channels that have not been answered yet. */
  #unanswered: number;
  readonly #isFirst: boolean;
  #unavailable: ErrorFrame | null = null;
  #isUrgent = false;
  #isScheduled = false;
  /** There is a message, or something else that must not be lost. */
  #hasContent = false;

  constructor(
    site: Site,
    reply: HttpReply,
    progress: Progress,
    options: PollOptions,
    outcome: PollOutcome,
  ) {
    this.#site = site;
    this.#reply = reply;
    this.#progress = progress;
    this.#unanswered = options.channelCount;
    this.#isFirst = options.isFirst;
    this.#outcome = outcome;
    this.dueAtMs = Date.now() + options.waitMs;
    reply.listener = this;
  }

  encode(frame: ServerFrame): string {
    this.#progress.noteFrame(frame);
    const isAnswer = frame.type === 'subscribed' || frame.type === 'error';
    if (isAnswer) this.#unanswered -= 1;
    if (frame.type === 'error' && frame.code === 'unavailable') this.#unavailable = frame;
    const isNews = tellsNews(frame);
    if (isNews || this.#isFirst) this.#add(pollWire.encode(frame));
    if (isNews) this.#isUrgent = true;
    this.#consider();
    return '';
  }

  encodeItem(item: StreamItem): string {
    this.#progress.noteItem(item);
    this.#hurry(pollWire.encodeItem(item));
    return '';
  }

  encodeNative(frame: Bytes): string {
    this.#hurry(pollWire.encodeNative(frame));
    return '';
  }

  deliver(topic: string, bytes: Bytes, position: Position | null): void {
    if (position !== null) this.#progress.note(topic, position);
    this.#hurry(bytes);
  }

  /** All subscribes were sent: from now on an answer can be whole. */
  begin(): void {
    this.#site.deadlines.add(this);
    this.#consider();
  }

  /** Frames are taken where they are encoded. */
  write(): void {}

  follow(topic: string): void {
    this.#site.followers.follow(topic, this);
  }

  unfollow(topic: string): void {
    this.#site.followers.unfollow(topic, this);
  }

  end(close: number, _reason: string): void {
    this.#add(pollWire.encode({ type: 'goodbye', code: close, retryAfterMs: 0 }));
    this.#answer();
  }

  /** A long replay pauses here, and goes on in the next poll. */
  bufferedBytes(): number {
    return this.#bytes;
  }

  address(): string {
    return this.#reply.address();
  }

  due(): void {
    this.#answer();
  }

  drained(): void {}

  over(): void {
    this.#site.deadlines.remove(this);
    if (this.session !== null) this.#site.edge.leave(this.session, this.#site.pollPresenceMs);
  }

  #hurry(bytes: Bytes): void {
    this.#add(bytes);
    this.#hasContent = true;
    this.#isUrgent = true;
    this.#consider();
  }

  #add(bytes: Bytes): void {
    this.#frames.push(bytes);
    this.#bytes += bytes.length;
  }

  /** At the end of this turn: what comes in it is one answer. */
  #consider(): void {
    if (this.#isScheduled || this.#unanswered > 0 || !(this.#isUrgent || this.#isFirst)) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#answer());
  }

  #answer(): void {
    if (this.#reply.isGone) return;
    const failed = this.#unavailable;
    if (failed !== null && !this.#hasContent) this.#outcome.refuse(failed);
    else this.#outcome.answer({ cursor: this.#progress.cursor, frames: this.#frames });
  }
}

/** What a client that polls again and again does not know already. */
function tellsNews(frame: ServerFrame): boolean {
  if (frame.type === 'welcome') return frame.queue?.recovered === false;
  if (frame.type === 'subscribed') return frame.recovered === false;
  return true;
}
