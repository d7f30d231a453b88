/**
 * Paths whose requests and answers another program has laid down: no versions, no schemas, no problem+json.
 * Whoever serves such a site sees no request of uWebSockets.js.
 */

import type { Refusal } from '@halley/shared/protocol';
import type { Arrival } from './arrival.js';

export type PlainHeaders = readonly (readonly [name: string, value: string])[];

export interface PlainRequest {
  /** Upper case. */
  readonly method: string;
  /** As the site names it, without a base. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
  readonly arrival: Arrival;
}

export interface PlainAnswer {
  /** `200 OK` */
  readonly status: string;
  readonly headers: PlainHeaders;
  readonly body: string;
  /** The connection ends with the answer. */
  readonly closes?: boolean;
}

/** An answer without end. Calls on one that is over do nothing. */
export interface PlainStream {
  /** One chunk, not empty. */
  write(chunk: string): void;
  /** By the last chunk, once what waits was written. */
  end(): void;
  /** Resolves when nothing waits, or it is over. */
  drained(): Promise<void>;
}

export interface StreamOptions {
  readonly status: string;
  readonly headers: PlainHeaders;
  /** Sent at once: the head goes out with the first chunk. */
  readonly preamble: string;
  /** Bytes that may wait for the reader before the connection is cut. */
  readonly waitingMaxBytes: number;
  /** Once, and last: it has ended, or the reader has gone. */
  over(): void;
}

export interface PlainReply {
  /** Begins an answer without end; null where nobody waits for it any more. */
  stream(options: StreamOptions): PlainStream | null;
}

export interface PlainSite {
  /** Each stands under every base. */
  readonly paths: readonly string[];
  readonly bases: readonly string[];
  /** Before anything is read of the body. @returns null: the request goes on */
  screen(request: PlainRequest): PlainAnswer | null;
  /**
   * @param body of a POST, else null; only valid until the first `await`
   * @returns null where the answer is a stream
   * @throws RefusedError
   */
  handle(
    request: PlainRequest,
    body: Uint8Array | null,
    reply: PlainReply,
  ): Promise<PlainAnswer | null>;
  /** How this site says no. */
  refuse(refused: Refusal): PlainAnswer;
}
