import type { Position } from '@halley/shared/protocol';
import {
  type CommandClient,
  callAlone,
  channelKeys,
  chunks,
  groupBy,
  isSlotMoving,
  partitionOfChannel,
} from '@halley/shared/redis';

/** Keys of one MGET. */
const BATCH_MAX_KEYS = 500;

/** The tops of channels, read by one MGET per partition and batch. */
export async function readTops(
  redis: CommandClient,
  channels: Iterable<string>,
): Promise<Map<string, Position | null>> {
  const byPartition = groupBy(channels, partitionOfChannel);
  const tops = new Map<string, Position | null>();
  await Promise.all(
    [...byPartition.values()]
      .flatMap((some) => chunks(some, BATCH_MAX_KEYS))
      .map(async (batch) => {
        const values = await readAll(
          redis,
          batch.map((channel) => channelKeys(channel).top),
        );
        for (const [index, channel] of batch.entries()) tops.set(channel, values[index] ?? null);
      }),
  );
  return tops;
}

/** @param keys of one slot; while it moves they may lie on two nodes */
async function readAll(redis: CommandClient, keys: string[]): Promise<(string | null)[]> {
  try {
    return await redis.mget(keys);
  } catch (error) {
    if (!isSlotMoving(error)) throw error;
    const calls = keys.map((key) => callAlone(redis, 'GET', key) as Promise<string | null>);
    return Promise.all(calls);
  }
}
