/** What a failed call to Redis means for the caller of the API. */

import { RefusedError } from '@halley/shared/protocol';
import { refusalOf, storeRefusal } from '@halley/shared/redis';

/** A read that failed can be repeated, whatever became of it. @throws RefusedError 503 */
export function reading<T>(reply: Promise<T>): Promise<T> {
  return reply.catch((error: unknown) => {
    throw isDefect(error) ? error : new RefusedError(storeRefusal('unavailable'));
  });
}

/** @throws RefusedError 503, which says whether the write may have been done */
export function writing<T>(reply: Promise<T>): Promise<T> {
  return reply.catch((error: unknown) => {
    throw isDefect(error) ? error : new RefusedError(refusalOf(error));
  });
}

/** Redis answered, and not that it is busy or away: a wrong type, a fault in a script. */
function isDefect(error: unknown): boolean {
  const isReply = error instanceof Error && error.name === 'ReplyError';
  return isReply && refusalOf(error).code === 'outcome-unknown';
}
