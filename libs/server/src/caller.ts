/** Makes calls, and repeats those that failed for a reason that passes. */

import { readAnswer } from './answer.js';
import { HalleyError } from './error.js';
import type { Settings } from './options.js';

export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason; it may have been carried out. */
  readonly signal?: AbortSignal | undefined;
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base url, escaped. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** A field of every answer to it. */
  readonly expects: string;
}

/** One try. @param timeoutMs what it may take */
type Attempt<T> = (timeoutMs: number) => Promise<T>;

/** Statuses that say "later": Halley's own, and those of a proxy that does not reach it. */
const PASSING = new Set([429, 502, 503, 504]);
/** A server that asks for a longer wait is not waited for: its error comes at once. */
const RETRY_AFTER_MAX_MS = 30_000;
/** Pause after the first failure of the network; doubled with each further one. */
const PAUSE_MS = 100;
/** Share that is added by chance to a pause, so that backends do not come back all at once. */
const JITTER = 0.25;

export class Caller {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** @throws HalleyError of the last try */
  call(request: Request, { signal }: CallOptions = {}): Promise<unknown> {
    return this.repeat((timeoutMs) => this.once(request, timeoutMs, signal), signal);
  }

  /** Tries until one succeeds, or fails for good, or there are no tries or no time left. */
  async repeat<T>(attempt: Attempt<T>, signal: AbortSignal | undefined): Promise<T> {
    const { timeoutMs, retries, deadlineMs } = this.#settings;
    const endsAt = performance.now() + deadlineMs;
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt(Math.min(timeoutMs, Math.ceil(endsAt - performance.now())));
      } catch (error) {
        const pauseMs = failures > retries ? null : pauseAfter(error, failures);
        if (pauseMs === null || performance.now() + pauseMs >= endsAt) throw error;
        await pause(pauseMs, signal);
      }
    }
  }

  /** @throws HalleyError, the signal's reason, or TypeError where the body cannot be JSON */
  async once(request: Request, timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    const init = this.#initOf(request);
    const ending = new AbortController();
    const onAbort = () => ending.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    const timer = setTimeout(() => ending.abort(timeoutError(timeoutMs)), timeoutMs);
    try {
      const { baseUrl, fetch } = this.#settings;
      const response = await fetch(baseUrl + request.path, { ...init, signal: ending.signal });
      return readAnswer(response, await response.text(), request.expects);
    } catch (error) {
      if (ending.signal.aborted) throw ending.signal.reason;
      throw error instanceof HalleyError ? error : unreachableError(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #initOf({ method, body }: Request): RequestInit {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    return {
      method,
      headers: { authorization: `Bearer ${this.#settings.key}`, ...type },
      body: body === undefined ? null : JSON.stringify(body),
      // A followed redirect turns POST into GET: the message would be lost without a word.
      redirect: 'manual',
    };
  }
}

/** How long to wait before the next try; null where it would fail as well. */
function pauseAfter(error: unknown, failures: number): number | null {
  if (!(error instanceof HalleyError)) return null;
  if (error.code === 'timeout') return 0;
  if (error.code !== 'unreachable' && !PASSING.has(error.status)) return null;
  const { retryAfterMs = PAUSE_MS * 2 ** (failures - 1) } = error;
  if (retryAfterMs > RETRY_AFTER_MAX_MS) return null;
  return retryAfterMs * (1 + Math.random() * JITTER);
}

/** @throws the signal's reason */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted === true) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
    if (signal?.aborted === true) end();
  });
}

function timeoutError(timeoutMs: number): HalleyError {
  return new HalleyError({ code: 'timeout', message: `no answer within ${timeoutMs} ms` });
}

function unreachableError(cause: unknown): HalleyError {
  const { message, cause: below } = cause instanceof Error ? cause : new Error(String(cause));
  // Node's fetch says "fetch failed" of everything; what happened stands below.
  const reason = below instanceof Error && below.message !== '' ? below.message : message;
  return new HalleyError({ code: 'unreachable', message: `no connection: ${reason}`, cause });
}
