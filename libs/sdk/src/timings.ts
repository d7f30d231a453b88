/** Every time limit of the SDK, in milliseconds. */
export interface Timings {
  /** For a `welcome`. A transport that stays deaf as long is given up. */
  readonly welcomeMs: number;
  /** For the answer to a call, through reconnects. */
  readonly callMs: number;
  /** Full jitter: the n-th wait is drawn from 0 to `backoffMs` x 2^n, at most `backoffMaxMs`. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** For a sign of life after a ping. */
  readonly pongMs: number;
  /** The same after the page has woken up. */
  readonly wakePongMs: number;
  /** A connection that held as long has worked: counters of failures begin anew. */
  readonly provedMs: number;
  /** What worked with a node is taken first for as long. */
  readonly rememberMs: number;
  /** A tab that holds a connection to another node looks for its own node again after half to all of this. */
  readonly homeMs: number;
  /** At most as long before its expiry a token is renewed. */
  readonly renewMs: number;
  /** For a token, each time that the application is asked. */
  readonly tokenMs: number;
  /** A leader that says nothing for as long when it is asked is replaced. */
  readonly leaderMs: number;
}

export const TIMINGS: Timings = {
  welcomeMs: 5_000,
  callMs: 10_000,
  backoffMs: 500,
  backoffMaxMs: 30_000,
  pongMs: 10_000,
  wakePongMs: 1_000,
  provedMs: 5_000,
  rememberMs: 600_000,
  homeMs: 60_000,
  renewMs: 30_000,
  tokenMs: 10_000,
  leaderMs: 2_000,
};

/** Calls later, unless the returned function is called first. */
export function later(delayMs: number, call: () => void): () => void {
  // Beyond this a browser would call at once.
  const timer = setTimeout(call, Math.min(delayMs, 0x7fffffff));
  return () => clearTimeout(timer);
}

/** The wait before the next attempt, after as many failed ones. @returns ms */
export function fullJitter(failures: number, { backoffMs, backoffMaxMs }: Timings): number {
  return Math.random() * Math.min(backoffMaxMs, backoffMs * 2 ** failures);
}
