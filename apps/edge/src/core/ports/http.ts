/** What a request shows; '' where a header is absent. */
export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
  readonly origin: string;
  readonly host: string;
  readonly authorization: string;
  readonly cookie: string;
  readonly fetchSite: string;
  readonly contentType: string;
  readonly lastEventId: string;
  readonly acceptEncoding: string;
  readonly ifNoneMatch: string;
}

export type Headers = readonly (readonly [name: string, value: string])[];

/** Told what becomes of an answer. */
export interface ReplyListener {
  /** Once, and last: it has ended, or the other side has gone. */
  over(): void;
  /** What had waited was written. */
  drained(): void;
  /** More waited than may: the connection is being cut. */
  overflowed?(): void;
}

/** The answer to one request, at once or over a long time. Calls on one that is gone do nothing. */
export interface HttpReply {
  readonly isGone: boolean;
  listener: ReplyListener | null;
  /** @param status such as `200 OK` */
  answer(status: string, headers: Headers, body: string | Uint8Array, closesSocket?: boolean): void;
  /** Answers by a head alone, as to HEAD or by 304; its length is that of `headers`, if any. */
  answerBare(status: string, headers: Headers): void;
  /** Begins an answer of chunks. The head goes out with the first of them. */
  begin(status: string, headers: Headers): void;
  /** One chunk; an empty one is none. */
  write(bytes: string | Uint8Array): void;
  /** Ends an answer of chunks, once what waits was written: with its socket, or by its last chunk. */
  end(closesSocket?: boolean): void;
  /** Cuts the connection. */
  close(): void;
  /** Bytes that were written and not yet taken by the kernel. */
  bufferedBytes(): number;
  /** Address of the client as text. */
  address(): string;
  /** The address as a number of 32 bits, for counting: of IPv6 its /64. */
  readonly addressKey: number;
}

export interface HttpRoute {
  readonly method: 'get' | 'head' | 'post' | 'options' | 'any';
  /** As uWebSockets.js takes it: `/path`, `/path/:name`, `/*`. */
  readonly path: string;
  /** Bytes of a request body; 0: the body is not read. */
  readonly bodyMaxBytes: number;
  /** Called once the request is there as a whole. `body` is null where it had more bytes than allowed. */
  serve(request: HttpRequest, reply: HttpReply, body: Uint8Array | null): void;
}

/** A way in by HTTP: one adapter of a wire, or of several that belong together. */
export interface HttpDoor {
  readonly routes: readonly HttpRoute[];
}
