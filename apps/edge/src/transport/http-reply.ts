import type { Headers, HttpReply, ReplyListener } from '../core/ports/http.js';
import type { HttpResponse } from './uws.js';

type Bytes = string | Uint8Array;

const decoder = new TextDecoder();

/**
 * An answer of uWS. Its response must not be touched once it has ended or the other side has gone, so it
 * is let go of there.
 *
 * uWS says of a response that it took no more, but not how much waits. So from then on bytes wait here:
 * counted, shared with other connections where they are the same, and written when there is room.
 */
export class UwsReply implements HttpReply {
  #response: HttpResponse | null;
  listener: ReplyListener | null = null;
  /** Set while uWS has something that the kernel did not take. */
  #waiting: Bytes[] | null = null;
  #waitingBytes = 0;
  #ends: 'not' | 'open' | 'closed' = 'not';
  /** Only where a trusted proxy told it; else it is that of the socket. */
  readonly #forwarded: string | null;

  readonly #waitingMaxBytes: number;

  /** @param waitingMaxBytes that may wait before the connection is cut: the last resort */
  constructor(response: HttpResponse, forwarded: string | null, waitingMaxBytes: number) {
    this.#response = response;
    this.#forwarded = forwarded;
    this.#waitingMaxBytes = waitingMaxBytes;
    // Half the size of a closure, and there are very many.
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
      response.end(body, closesSocket);
    });
    listener?.over();
  }

  begin(status: string, headers: Headers): void {
    const response = this.#response;
    response?.cork(() => writeHead(response, status, headers));
  }

  write(bytes: Bytes): void {
    const response = this.#response;
    if (response === null || bytes.length === 0 || this.#ends !== 'not') return;
    if (this.#waiting !== null) {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes > this.#waitingMaxBytes) this.#overflow(response);
      return;
    }
    let isTaken = true;
    response.cork(() => {
      isTaken = response.write(bytes);
    });
    if (!isTaken) this.#congested(response, bytes.length);
  }

  end(closesSocket = false): void {
    if (this.#response === null || this.#ends !== 'not') return;
    this.#ends = closesSocket ? 'closed' : 'open';
    if (this.#waiting === null) this.#finish();
  }

  close(): void {
    this.#response?.close();
  }

  bufferedBytes(): number {
    return this.#waitingBytes;
  }

  address(): string {
    if (this.#response === null) return '';
    return this.#forwarded ?? decoder.decode(this.#response.getRemoteAddressAsText());
  }

  #aborted(): void {
    this.#release()?.over();
  }

  #overflow(response: HttpResponse): void {
    this.listener?.overflowed?.();
    response.close();
  }

  #congested(response: HttpResponse, length: number): void {
    this.#waiting = [];
    this.#waitingBytes = length;
    response.onWritable(() => {
      this.#drain();
      return true;
    });
  }

  /** Without a cork in here this version of uWS never writes what it has buffered. */
  #drain(): void {
    const response = this.#response;
    const waiting = this.#waiting;
    if (response === null || waiting === null) return;
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
    this.#waitingBytes = isTaken || last === undefined ? 0 : last.length;
    for (const bytes of waiting) this.#waitingBytes += bytes.length;
    if (!isTaken) return;
    this.#waiting = null;
    if (this.#ends !== 'not') this.#finish();
    else this.listener?.drained();
  }

  #finish(): void {
    const response = this.#response;
    if (response === null) return;
    const closesSocket = this.#ends === 'closed';
    const listener = this.#release();
    response.cork(() => response.end(undefined, closesSocket));
    listener?.over();
  }

  #release(): ReplyListener | null {
    const { listener } = this;
    this.#response = null;
    this.#waiting = null;
    this.#waitingBytes = 0;
    this.listener = null;
    return listener;
  }
}

function writeHead(response: HttpResponse, status: string, headers: Headers): void {
  response.writeStatus(status);
  for (const [name, value] of headers) response.writeHeader(name, value);
}
