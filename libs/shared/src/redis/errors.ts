import { type Refusal, RefusedError, refusal } from '../protocol/index.js';

/** Answers of a Redis that did nothing with the call. */
const REFUSED_BY_REDIS =
  /^(?:OOM|TRYAGAIN|CLUSTERDOWN|MOVED|ASK|LOADING|READONLY|MASTERDOWN|NOREPLICAS|MISCONF|BUSY|CROSSSLOT|NOPERM|NOAUTH)\b/;
/** ioredis, after it has followed or repeated as often as it may: each time Redis did nothing. */
const REDIRECTED =
  /^Too many Cluster redirections\. Last error: ReplyError: (?:TRYAGAIN|CLUSTERDOWN|MOVED|ASK)\b/;
/** ioredis has not followed: the call was in a pipeline with others. */
const MOVING = /^(?:TRYAGAIN|ASK|MOVED)\b/;
export const NOT_SENT_TEXT = 'not sent: there is no connection to the node';
/** Ours, and ioredis', for a call that was never sent. */
const NOT_SENT = /^not sent:|enableOfflineQueue|Failed to refresh slots cache/;

export const RETRY_AFTER_MS = 1_000;

/**
 * What a failed call to Redis means for whoever asked: `unavailable` (nothing was done) where that is
 * certain, otherwise `outcome-unknown`.
 */
export function refusalOf(error: unknown): Refusal {
  const message = error instanceof Error ? error.message : String(error);
  const certain = [REFUSED_BY_REDIS, REDIRECTED, NOT_SENT].some((one) => one.test(message));
  return storeRefusal(certain ? 'unavailable' : 'outcome-unknown');
}

export function storeRefusal(code: 'unavailable' | 'outcome-unknown'): Refusal {
  return { ...refusal(code), retryAfterMs: RETRY_AFTER_MS };
}

/** The master of this connection follows another one now, which a new connection finds. */
export function isReadOnly(message: string): boolean {
  return message.startsWith('READONLY');
}

/**
 * The keys of a call lie on two nodes, or on another one than was asked, since their slot moves. A call
 * with one key, in no pipeline, goes through.
 */
export function isSlotMoving(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return MOVING.test(error.message) || REDIRECTED.test(error.message);
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
