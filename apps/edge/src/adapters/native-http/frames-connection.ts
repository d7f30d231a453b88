import { errorFrame, refusal, type ServerFrame } from '@halley/shared/protocol';
import type { Connection } from '../../core/ports/connection.js';
import type { HttpReply, ReplyListener } from '../../core/ports/http.js';
import type { Wire } from '../../core/ports/wire.js';
import type { Session } from '../../core/session.js';
import type { Site } from './site.js';

/** Where the one answer goes. */
export interface AnswerSink {
  frame(frame: ServerFrame): void;
  /** A frame that was put together as text. */
  text(text: string): void;
}

/** A session for one frame, without channels and without presence. */
export class FramesConnection implements Connection, Wire, ReplyListener {
  readonly name = 'frames';
  readonly #site: Site;
  readonly #reply: HttpReply;
  readonly #answer: AnswerSink;
  session: Session | null = null;

  constructor(site: Site, reply: HttpReply, answer: AnswerSink) {
    this.#site = site;
    this.#reply = reply;
    this.#answer = answer;
    reply.listener = this;
  }

  encode(frame: ServerFrame): string {
    // The answer is on its way; the request after it finds another edge.
    if (frame.type !== 'goodbye') this.#answer.frame(frame);
    return '';
  }

  encodeItem(): string {
    return '';
  }

  encodeNative(frame: string | Uint8Array): string {
    this.#answer.text(String(frame));
    return '';
  }

  write(): void {}

  follow(): void {}

  unfollow(): void {}

  end(): void {
    this.#answer.frame(errorFrame(refusal('outcome-unknown')));
  }

  bufferedBytes(): number {
    return 0;
  }

  address(): string {
    return this.#reply.address();
  }

  get addressKey(): number {
    return this.#reply.addressKey;
  }

  drained(): void {}

  over(): void {
    if (this.session !== null) this.#site.edge.leave(this.session);
  }
}
