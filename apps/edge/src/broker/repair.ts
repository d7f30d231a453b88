import type { Position } from '@halley/shared/protocol';
import { type CommandClient, channelKeys, partitionOfChannel } from '@halley/shared/redis';

/** Keys of one MGET. */
const BATCH_MAX_KEYS = 500;

/** The tops of channels, read by one MGET per partition and batch. */
export async function readTops(
  redis: CommandClient,
  channels: Iterable<string>,
): Promise<Map<string, Position | null>> {
  const byPartition = new Map<number, string[]>();
  for (const channel of channels) {
    const partition = partitionOfChannel(channel);
    const group = byPartition.get(partition);
    if (group === undefined) byPartition.set(partition, [channel]);
    else group.push(channel);
  }
  const tops = new Map<string, Position | null>();
  await Promise.all(
    [...byPartition.values()].flatMap(batches).map(async (batch) => {
      const values = await redis.mget(batch.map((channel) => channelKeys(channel).top));
      for (const [index, channel] of batch.entries()) tops.set(channel, values[index] ?? null);
    }),
  );
  return tops;
}

function batches(channels: readonly string[]): string[][] {
  const result = [];
  for (let at = 0; at < channels.length; at += BATCH_MAX_KEYS) {
    result.push(channels.slice(at, at + BATCH_MAX_KEYS));
  }
  return result;
}
