/** Failures that only this side can know of; all others carry the code that the edge gave. */
export type OwnCode =
  /** Not answered in time. A publish may have been carried out: repeat it with the same key. */
  | 'timeout'
  /** `close()` came first. */
  | 'closed'
  /** No token could be had that the edge takes: state `unauthorized`. */
  | 'unauthorized'
  /** `getToken` threw, took too long, or gave none of this client; `cause` says which. */
  | 'token-failed'
  /** `authorize` gave no token for the channel. */
  | 'not-authorized'
  /** A handler of the application threw; `cause` has what it threw. */
  | 'handler-failed'
  /** More messages waited for the loop of a `for await` than may. */
  | 'slow-iterator'
  /** More calls wait for their answers than may. */
  | 'too-many-calls'
  /** The transport cannot do that: a script tag cannot post. */
  | 'unsupported'
  /** An option or argument has a value that is not allowed; `field` names it. */
  | 'bad-option';

export interface ErrorDetails {
  readonly retryAfterMs?: number | undefined;
  readonly field?: string | undefined;
  readonly channel?: string | undefined;
  readonly cause?: unknown;
}

/** Every failure that this library tells. `code` is stable; the text is for people. */
export class HalleyError extends Error {
  override readonly name = 'HalleyError';
  readonly code: string;
  /** When it is worth trying again. */
  declare readonly retryAfterMs?: number;
  declare readonly field?: string;
  declare readonly channel?: string;

  /** @param message where somebody has said more than the code does */
  constructor(code: OwnCode | (string & {}), details?: ErrorDetails, message: string = code) {
    super(message);
    this.code = code;
    Object.assign(this, details);
  }
}
