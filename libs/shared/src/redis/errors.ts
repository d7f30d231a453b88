import { type Refusal, RefusedError, refusal } from '../protocol/index.js';

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

/** A read, or a write that may be repeated, failed: whatever became of it, ask again. @throws RefusedError */
export function reading<T>(reply: Promise<T>): Promise<T> {
  return reply.catch((error: unknown) => {
    throw isDefect(error) ? error : new RefusedError(storeRefusal('unavailable'), { cause: error });
  });
}

/** @throws RefusedError which says whether the write may have been done */
export function writing<T>(reply: Promise<T>): Promise<T> {
  return reply.catch((error: unknown) => {
    throw isDefect(error) ? error : new RefusedError(refusalOf(error), { cause: error });
  });
}

/** Redis answered, and not that it is busy or away: a wrong type, a fault in a script. */
function isDefect(error: unknown): boolean {
  const isReply = error instanceof Error && error.name === 'ReplyError';
  return isReply && refusalOf(error).code === 'outcome-unknown';
}
