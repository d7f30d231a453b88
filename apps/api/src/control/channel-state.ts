/** Reads what Redis says about live channels. */

import {
  type CommandClient,
  channelKeys,
  channelsKey,
  PARTITION_COUNT,
} from '@halley/shared/redis';

export interface LiveChannel {
  readonly channel: string;
  readonly subscribers: number;
}

/** After every channel name of the prefix: `~` is the last character of the alphabet. */
const AFTER_ALL_NAMES = '\u007f';

/** Names of live channels in ascending order. */
export async function listChannels(
  redis: CommandClient,
  prefix: string,
  after: string | undefined,
  limit: number,
): Promise<{ names: string[]; more: boolean }> {
  const from = after !== undefined && after >= prefix ? `(${after}` : `[${prefix}`;
  const to = `(${prefix}${AFTER_ALL_NAMES}`;
  const pages = await Promise.all(
    Array.from({ length: PARTITION_COUNT }, (_, partition) =>
      redis.zrangebylex(channelsKey(partition), from, to, 'LIMIT', 0, limit + 1),
    ),
  );
  const names = pages.flat().sort();
  return { names: names.slice(0, limit), more: names.length > limit };
}

/** Listeners by edge. */
export async function readSubscribers(
  redis: CommandClient,
  channel: string,
): Promise<Record<string, number>> {
  const hash = await redis.hgetall(channelKeys(channel).subscribers);
  return Object.fromEntries(Object.entries(hash).map(([edge, count]) => [edge, Number(count)]));
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
