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

/** How the answer is spelled; of two polls that are alike it is the same object. */
export interface PollForm {
  answer(reply: HttpReply, answer: PollAnswer, isLeaving: boolean): void;
  refuse(reply: HttpReply, refused: Refusal): void;
}

/** What has come so far that is worth an answer. */
interface Collected {
  readonly frames: Bytes[];
  bytes: number;
  /** There is news: the answer does not wait for more than the other channels. */
  isUrgent: boolean;
  /** There is a message, or something else that must not be lost. */
  hasContent: boolean;
  unavailable: ErrorFrame | null;
}

/**
 * One poll: collects frames until something is worth an answer, then answers and is over. What comes
 * between two polls is read by the next one, from where this one's cursor ends. Kept small while it waits:
 * there are many.
 */
export class PollConnection implements Connection, Follower, Wire, ReplyListener, Deadline {
  readonly #site: Site;
  readonly #reply: HttpReply;
  readonly #form: PollForm;
  readonly #progress: Progress;
  session: Session | null = null;
  /** Nothing came until then. */
  readonly dueAtMs: number;
  /** Channels that have not been answered yet. */
  #unanswered: number;
  /** The client is told at once where it stands. */
  readonly #isFirst: boolean;
  #isScheduled = false;
  #collected: Collected | null = null;

  constructor(
    site: Site,
    reply: HttpReply,
    form: PollForm,
    progress: Progress,
    options: { readonly isFirst: boolean; readonly waitMs: number },
  ) {
    this.#site = site;
    this.#reply = reply;
    this.#form = form;
    this.#progress = progress;
    this.#unanswered = progress.channelCount;
    this.#isFirst = options.isFirst;
    this.dueAtMs = site.deadlines.nowMs + options.waitMs;
    reply.listener = this;
  }

  get name(): string {
    return pollWire.name;
  }

  get fanoutWire(): Wire {
    return pollWire;
  }

  encode(frame: ServerFrame): string {
    this.#progress.noteFrame(frame);
    if (frame.type === 'subscribed' || frame.type === 'error') this.#unanswered -= 1;
    const isNews = tellsNews(frame);
    if (isNews || this.#isFirst) this.#collect(pollWire.encode(frame), isNews);
    if (frame.type === 'error' && isOfTheMoment(frame)) this.#kept.unavailable = frame;
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
    this.#progress.share(topic);
    this.#site.followers.follow(topic, this);
  }

  unfollow(topic: string): void {
    this.#site.followers.unfollow(topic, this);
  }

  end(close: number, reason: string): void {
    this.#collect(pollWire.encode({ type: 'goodbye', code: close, retryAfterMs: 0, reason }), true);
    this.#answer();
  }

  /** A long replay pauses here, and goes on in the next poll. */
  bufferedBytes(): number {
    return this.#collected?.bytes ?? 0;
  }

  address(): string {
    return this.#reply.address();
  }

  get addressKey(): number {
    return this.#reply.addressKey;
  }

  /** Not before all channels were looked at, however short the wait. */
  due(): void {
    if (this.#unanswered === 0) this.#answer();
  }

  drained(): void {}

  over(): void {
    this.#site.deadlines.remove(this);
    if (this.session !== null) this.#site.edge.leave(this.session, this.#site.pollPresenceMs);
  }

  get #kept(): Collected {
    this.#collected ??= {
      frames: [],
      bytes: 0,
      isUrgent: false,
      hasContent: false,
      unavailable: null,
    };
    return this.#collected;
  }

  #hurry(bytes: Bytes): void {
    this.#collect(bytes, true);
    this.#kept.hasContent = true;
    this.#consider();
  }

  #collect(bytes: Bytes, isUrgent: boolean): void {
    const kept = this.#kept;
    kept.frames.push(bytes);
    kept.bytes += bytes.length;
    kept.isUrgent ||= isUrgent;
  }

  /** At the end of this turn: what comes in it is one answer. */
  #consider(): void {
    const isWorthIt = this.#isFirst || this.#collected?.isUrgent === true;
    if (this.#isScheduled || this.#unanswered > 0 || !isWorthIt) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#answer());
  }

  #answer(): void {
    if (this.#reply.isGone) return;
    const { unavailable = null, hasContent = false, frames = [] } = this.#collected ?? {};
    if (unavailable !== null && !hasContent) {
      this.#form.refuse(this.#reply, unavailable);
      return;
    }
    const answer = { cursor: this.#progress.cursor, frames };
    this.#form.answer(this.#reply, answer, this.#site.edge.isDraining);
  }
}

/** Told by a status, which makes clients wait: by a frame, they would ask again at once. */
function isOfTheMoment({ code }: ErrorFrame): boolean {
  return code === 'unavailable' || code === 'edge-full';
}

/** What a client that polls again and again does not know already. */
function tellsNews(frame: ServerFrame): boolean {
  if (frame.type === 'welcome') return frame.queue?.recovered === false;
  if (frame.type === 'subscribed') return frame.recovered === false;
  return true;
}
