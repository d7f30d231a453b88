import { type Refusal, RefusedError } from '@halley/shared/protocol';
import { type CommandClient, refusalOf, storeRefusal } from '@halley/shared/redis';

/**
 * Runs a call to Redis whose repetition does no harm: whatever goes wrong, the caller may ask again.
 * @throws RefusedError `unavailable`
 */
export async function asking<T>(redis: CommandClient, call: () => Promise<T>): Promise<T> {
  if (redis.status !== 'ready') throw new RefusedError(storeRefusal('unavailable'));
  try {
    return await call();
  } catch (error) {
    throw new RefusedError(askAgain(refusalOf(error)), { cause: error });
  }
}

function askAgain(refused: Refusal): Refusal {
  return refused.code === 'outcome-unknown' ? storeRefusal('unavailable') : refused;
}
