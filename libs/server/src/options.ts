/** What a HalleyServer is made with, checked once. */

export interface HalleyServerOptions {
  /** Address of the API, with a path where it is served below one: `https://halley.example.com`. */
  readonly url: string;
  /** A secret of HALLEY_API_KEYS. Its role decides which calls are allowed. */
  readonly key: string;
  /** For one try, from its begin to the last byte of its answer; 1-600,000, default 2,000. */
  readonly timeoutMs?: number | undefined;
  /** Further tries after the first; 0-10, default 2. */
  readonly retries?: number | undefined;
  /**
   * For a call with all its tries and pauses; 1-600,000. Default: `timeoutMs` x (`retries` + 1), at
   * least 10,000: a full queue asks for a pause of 5,000.
   */
  readonly deadlineMs?: number | undefined;
  /** Default: the runtime's own, which keeps connections alive. */
  readonly fetch?: typeof fetch | undefined;
}

export interface Settings {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly key: string;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly deadlineMs: number;
  readonly fetch: typeof fetch;
}

const DURATION_MAX_MS = 600_000;
/** Of the default. */
const DEADLINE_MIN_MS = 10_000;
const RETRIES_MAX = 10;
/** What a header can carry: with anything else every call would fail like a broken network. */
const KEY = /^[\x21-\x7e]+$/;

/** @throws TypeError that names what is wrong */
export function settingsOf(options: HalleyServerOptions): Settings {
  const { key } = options;
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw new TypeError('key must be a text of visible ASCII characters');
  }
  const retries = integer('retries', options.retries ?? 2, 0, RETRIES_MAX);
  const timeoutMs = integer('timeoutMs', options.timeoutMs ?? 2_000, 1, DURATION_MAX_MS);
  const allTriesMs = Math.max(timeoutMs * (retries + 1), DEADLINE_MIN_MS);
  const deadlineMs = options.deadlineMs ?? Math.min(allTriesMs, DURATION_MAX_MS);
  return {
    baseUrl: baseOf(options.url),
    key,
    timeoutMs,
    retries,
    deadlineMs: integer('deadlineMs', deadlineMs, 1, DURATION_MAX_MS),
    fetch: options.fetch ?? ((...args) => globalThis.fetch(...args)),
  };
}

function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === null || !isWeb || url.username + url.password + url.search + url.hash !== '') {
    throw new TypeError('url must be an http or https address without user, query and fragment');
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function integer(name: string, value: number, minimum: number, maximum: number): number {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new TypeError(`${name} must be an integer from ${minimum} to ${maximum}`);
}
