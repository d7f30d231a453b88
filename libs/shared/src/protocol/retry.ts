import type { Refusal } from './codes.js';

/** Over what callers are spread who were refused at the same time. */
const SPREAD_MS = 2_000;

/**
 * The refusal with a time to come back that is drawn: `Retry-After` has whole seconds, and callers who are
 * all told the same one come back as the storm that they were.
 */
export function retryLater(refused: Refusal, leastMs = 1_000): Refusal {
  return { ...refused, retryAfterMs: leastMs + Math.floor(Math.random() * SPREAD_MS) };
}
