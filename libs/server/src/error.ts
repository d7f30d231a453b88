import type { Code } from './api-types.js';

/**
 * Beside the codes of the API: `timeout` (no whole answer in time), `unreachable` (the network),
 * `bad-answer` (what answered is not Halley: a proxy, a wrong address).
 */
export type HalleyErrorCode = Code | 'timeout' | 'unreachable' | 'bad-answer';

export interface HalleyErrorParts {
  readonly code: HalleyErrorCode;
  readonly message: string;
  readonly status?: number | undefined;
  readonly field?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** Why a call failed. */
export class HalleyError extends Error {
  override readonly name = 'HalleyError';
  readonly code: HalleyErrorCode;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** The field or parameter that was refused. */
  readonly field: string | undefined;
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;
  /** Names the request in the log of the server. */
  readonly requestId: string | undefined;
  /** Of a publish: repeated with this key, within 5 minutes, it is still published once. */
  key: string | undefined;

  constructor({ code, message, status = 0, cause, ...parts }: HalleyErrorParts) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.status = status;
    this.field = parts.field;
    this.retryAfterMs = parts.retryAfterMs;
    this.requestId = parts.requestId;
  }
}
