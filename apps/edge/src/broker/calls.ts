import { RefusedError } from '@halley/shared/protocol';
import { type CommandClient, reading, storeRefusal } from '@halley/shared/redis';

/**
 * Runs a call to Redis whose repetition does no harm: whatever goes wrong, the caller may ask again.
 * @throws RefusedError `unavailable`; any other error is a defect
 */
export async function asking<T>(redis: CommandClient, call: () => Promise<T>): Promise<T> {
  // Known to be away: nothing is sent.
  if (redis.status !== 'ready') throw new RefusedError(storeRefusal('unavailable'));
  return reading(call());
}
