import type { HttpResponse } from 'uWebSockets.js';
import type { PlainStream } from './plain.js';

/**
 * An answer of chunks. uWS says of a response that it took no more, but not how much waits; so from then on
 * chunks wait here, counted, and are written when there is room.
 */
export class ChunkStream implements PlainStream {
  readonly #waitingMaxBytes: number;
  readonly #over: () => void;
  #response: HttpResponse | null;
  /** Set while uWS has something that the kernel did not take. */
  #waiting: string[] | null = null;
  #waitingBytes = 0;
  #isEnding = false;
  #sleepers: (() => void)[] = [];

  /** @param response whose head is written, and whose abort is told to `release` */
  constructor(response: HttpResponse, waitingMaxBytes: number, over: () => void) {
    this.#response = response;
    this.#waitingMaxBytes = waitingMaxBytes;
    this.#over = over;
  }

  write(chunk: string): void {
    const response = this.#response;
    if (response === null || this.#isEnding) return;
    if (this.#waiting !== null) {
      this.#waiting.push(chunk);
      this.#waitingBytes += Buffer.byteLength(chunk);
      if (this.#waitingBytes > this.#waitingMaxBytes) response.close();
      return;
    }
    let isTaken = true;
    response.cork(() => {
      isTaken = response.write(chunk);
    });
    if (!isTaken) this.#congested(response, Buffer.byteLength(chunk));
  }

  end(): void {
    this.#isEnding = true;
    if (this.#waiting === null) this.#finish();
  }

  drained(): Promise<void> {
    if (this.#response === null || this.#waiting === null) return Promise.resolve();
    return new Promise((resolve) => this.#sleepers.push(resolve));
  }

  /** The other side has gone: the response must not be touched any more. */
  release(): void {
    if (this.#response === null) return;
    this.#response = null;
    this.#waiting = null;
    this.#wake();
    this.#over();
  }

  #congested(response: HttpResponse, bytes: number): void {
    this.#waiting = [];
    this.#waitingBytes = bytes;
    response.onWritable(() => {
      this.#drain(response);
      return true;
    });
  }

  #drain(response: HttpResponse): void {
    const waiting = this.#waiting ?? [];
    let taken = 0;
    let isTaken = true;
    // Even with nothing to write: without a cork in here uWS never writes what it has buffered.
    response.cork(() => {
      while (isTaken && taken < waiting.length) {
        isTaken = response.write(waiting[taken] as string);
        taken += 1;
      }
    });
    const last = isTaken ? undefined : waiting[taken - 1];
    waiting.splice(0, taken);
    this.#waitingBytes = [last ?? '', ...waiting].reduce(
      (sum, chunk) => sum + Buffer.byteLength(chunk),
      0,
    );
    if (!isTaken) return;
    this.#waiting = null;
    this.#wake();
    if (this.#isEnding) this.#finish();
  }

  #finish(): void {
    const response = this.#response;
    response?.cork(() => response.end());
    this.release();
  }

  #wake(): void {
    for (const resolve of this.#sleepers.splice(0)) resolve();
  }
}
