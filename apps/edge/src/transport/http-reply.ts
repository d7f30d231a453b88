import { endPaced, PACED_MIN_BYTES } from '@halley/shared/ops';
import type { Headers, HttpReply, ReplyListener } from '../core/ports/http.js';
import { addressKey, peerAddress } from './addresses.js';
import type { HttpResponse } from './uws.js';

type Bytes = string | Uint8Array;

/** What is not written yet, of a reply whose reader is behind or whose end has come. */
interface Backlog {
  /** Set while uWS has something that the kernel did not take. */
  waiting: Bytes[] | null;
  waitingBytes: number;
  ends: 'not' | 'open' | 'closed';
}

/** What the replies of one door share. */
export interface ReplyLimits {
  /** Bytes that may wait before the connection is cut: the last resort. */
  readonly waitingMaxBytes: number;
}

/**
 * An answer of uWS. Its response must not be touched once it has ended or the other side has gone, so it
 * is let go of there. Kept small: there are as many as connections.
 *
 * uWS says of a response that it took no more, but not how much waits. So from then on bytes wait here:
 * counted, shared with other connections where they are the same, and written when there is room.
 */
export class UwsReply implements HttpReply {
  #response: HttpResponse | null;
  listener: ReplyListener | null = null;
  #backlog: Backlog | null = null;
  readonly #limits: ReplyLimits;
  /** Only where a trusted proxy told it; else it is that of the socket. */
  readonly #forwarded: string | null;
  /** Read once: uWS makes a buffer for each question. */
  readonly addressKey: number;

  constructor(response: HttpResponse, forwarded: string | null, limits: ReplyLimits) {
    this.#response = response;
    this.addressKey = addressKey(response, forwarded);
    this.#forwarded = forwarded;
    this.#limits = limits;
    // Smaller than a closure with its context.
    response.onAborted(this.#aborted.bind(this));
  }

  get isGone(): boolean {
    return this.#response === null;
  }

  answer(status: string, headers: Headers, body: Bytes, closesSocket = false): void {
    const response = this.#response;
    if (response === null) return;
    const listener = this.#release();
    response.cork(() => {
      writeHead(response, status, headers);
      if (closesSocket || body.length < PACED_MIN_BYTES) response.end(body, closesSocket);
      else endPaced(response, body);
    });
    listener?.over();
  }

  answerBare(status: string, headers: Headers): void {
    const response = this.#response;
    if (response === null) return;
    const listener = this.#release();
    response.cork(() => {
      writeHead(response, status, headers);
      // With a length of its own, this version of uWS takes the answer for unfinished for ever.
      response.endWithoutBody();
    });
    listener?.over();
  }

  begin(status: string, headers: Headers): void {
    const response = this.#response;
    response?.cork(() => writeHead(response, status, headers));
  }

  write(bytes: Bytes): void {
    const response = this.#response;
    if (response === null || bytes.length === 0) return;
    if (this.#backlog !== null) {
      this.#wait(response, this.#backlog, bytes);
      return;
    }
    if (!writeCorked(response, bytes)) this.#congested(response, bytes.length);
  }

  end(closesSocket = false): void {
    if (this.#response === null || (this.#backlog !== null && this.#backlog.ends !== 'not')) return;
    this.#backlog ??= { waiting: null, waitingBytes: 0, ends: 'not' };
    this.#backlog.ends = closesSocket ? 'closed' : 'open';
    if (this.#backlog.waiting === null) this.#finish();
  }

  close(): void {
    this.#response?.close();
  }

  bufferedBytes(): number {
    return this.#backlog?.waitingBytes ?? 0;
  }

  address(): string {
    if (this.#response === null) return '';
    return this.#forwarded ?? peerAddress(this.#response);
  }

  #wait(response: HttpResponse, backlog: Backlog, bytes: Bytes): void {
    if (backlog.ends !== 'not') return;
    backlog.waiting?.push(bytes);
    backlog.waitingBytes += bytes.length;
    if (backlog.waitingBytes <= this.#limits.waitingMaxBytes) return;
    this.listener?.overflowed?.();
    response.close();
  }

  #congested(response: HttpResponse, length: number): void {
    this.#backlog = { waiting: [], waitingBytes: length, ends: 'not' };
    response.onWritable(() => {
      this.#drain();
      return true;
    });
  }

  /** Without a cork in here this version of uWS never writes what it has buffered. */
  #drain(): void {
    const response = this.#response;
    const backlog = this.#backlog;
    if (response === null) return;
    if (backlog === null || backlog.waiting === null) {
      response.cork(() => undefined);
      return;
    }
    const { waiting } = backlog;
    let taken = 0;
    let isTaken = true;
    response.cork(() => {
      while (isTaken && taken < waiting.length) {
        isTaken = response.write(waiting[taken] as Bytes);
        taken += 1;
      }
    });
    const last = waiting[taken - 1];
    waiting.splice(0, taken);
    backlog.waitingBytes = isTaken || last === undefined ? 0 : last.length;
    for (const bytes of waiting) backlog.waitingBytes += bytes.length;
    if (isTaken) this.#drained(backlog);
  }

  #drained(backlog: Backlog): void {
    backlog.waiting = null;
    if (backlog.ends !== 'not') {
      this.#finish();
      return;
    }
    this.#backlog = null;
    this.listener?.drained();
  }

  #finish(): void {
    const response = this.#response;
    if (response === null) return;
    // uWS would write the header `Connection: close` behind the chunks.
    if (this.#backlog?.ends === 'closed') {
      response.close();
      return;
    }
    const listener = this.#release();
    response.cork(() => response.end());
    listener?.over();
  }

  #aborted(): void {
    this.#release()?.over();
  }

  #release(): ReplyListener | null {
    const { listener } = this;
    this.#response = null;
    this.#backlog = null;
    this.listener = null;
    return listener;
  }
}

function writeHead(response: HttpResponse, status: string, headers: Headers): void {
  response.writeStatus(status);
  for (const [name, value] of headers) response.writeHeader(name, value);
}

/** The write under way. One function does them all: a fan-out would make a closure for each connection. */
const write = { response: null as HttpResponse | null, bytes: '' as Bytes, isTaken: true };

function writeIt(): void {
  write.isTaken = write.response?.write(write.bytes) ?? true;
}

/** @returns false where the kernel did not take all */
function writeCorked(response: HttpResponse, bytes: Bytes): boolean {
  write.response = response;
  write.bytes = bytes;
  response.cork(writeIt);
  return write.isTaken;
}
