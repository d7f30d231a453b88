/** Waiting for events. Every wait has a deadline and says in its failure what did not happen. */

import { setTimeout as pause } from 'node:timers/promises';

/** Generous on purpose: a loaded two-core machine must not turn a slow step into a failure. */
export const DEADLINE_MS = 10_000;
const PROBE_INTERVAL_MS = 10;

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** Settles as `promise` does; rejects with a `DeadlineError` that names `what` after `deadlineMs`. */
export async function within<T>(
  promise: Promise<T>,
  what: string | (() => string),
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const text = typeof what === 'string' ? what : what();
      reject(new DeadlineError(`not within ${deadlineMs} ms: ${text}`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * For state that announces no event (a key in Redis, a metric): asks again until `probe` gives
 * something other than `undefined`, `null` or `false`, and gives that.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<Exclude<T, undefined | null | false>> {
  const endsAt = performance.now() + deadlineMs;
  let last: T | undefined;
  while (performance.now() < endsAt) {
    last = await within(Promise.resolve(probe()), what, deadlineMs);
    if (isGiven(last)) return last;
    await pause(PROBE_INTERVAL_MS);
  }
  throw new DeadlineError(`not within ${deadlineMs} ms: ${what} (last seen: ${String(last)})`);
}

function isGiven<T>(value: T): value is Exclude<T, undefined | null | false> {
  return value !== undefined && value !== null && value !== false;
}
