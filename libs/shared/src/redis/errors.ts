import { type Refusal, refusal } from '../protocol/index.js';

/** Answers of a Redis that did nothing with the call. */
const REFUSED_BY_REDIS =
  /^(?:OOM|TRYAGAIN|CLUSTERDOWN|LOADING|READONLY|MASTERDOWN|NOREPLICAS|MISCONF|BUSY|CROSSSLOT|NOPERM|NOAUTH)\b/;
/** ioredis, for a call that it never sent. */
const NOT_SENT = /enableOfflineQueue|Failed to refresh slots cache/;

export const RETRY_AFTER_MS = 1_000;

/**
 * What a failed call to Redis means for whoever asked: `unavailable` (nothing was done) where that is
 * certain, otherwise `outcome-unknown`.
 */
export function refusalOf(error: unknown): Refusal {
  const message = error instanceof Error ? error.message : String(error);
  const certain = REFUSED_BY_REDIS.test(message) || NOT_SENT.test(message);
  return storeRefusal(certain ? 'unavailable' : 'outcome-unknown');
}

export function storeRefusal(code: 'unavailable' | 'outcome-unknown'): Refusal {
  return { ...refusal(code), retryAfterMs: RETRY_AFTER_MS };
}
