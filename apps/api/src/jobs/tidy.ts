/** What nobody removes in passing, and would grow without end. */

import {
  type CommandClient,
  lastSeenKey,
  PARTITION_COUNT,
  pagesOfChannels,
  REVOKED_KEY,
  type Scripts,
  sweepSubscribers,
  trimSortedSet,
} from '@halley/shared/redis';

export const TIDY_INTERVAL_MS = 60_000;
/** A round over all partitions takes as many intervals. */
const ROUNDS = 32;
const MS_PER_DAY = 86_400_000;

export interface TidyCounts {
  lastSeen: number;
  revoked: number;
  channels: number;
}

/**
 * @param round counts up: each call looks at the partitions of one round
 * @throws whatever Redis' client throws
 */
export async function tidy(
  redis: CommandClient,
  scripts: Scripts,
  round: number,
  lastSeenDays: number,
): Promise<TidyCounts> {
  const nowMs = Date.now();
  const counts: TidyCounts = { lastSeen: 0, revoked: 0, channels: 0 };
  counts.revoked = await trimSortedSet(scripts, REVOKED_KEY, nowMs / 1_000);
  for (let partition = round % ROUNDS; partition < PARTITION_COUNT; partition += ROUNDS) {
    const oldestMs = nowMs - lastSeenDays * MS_PER_DAY;
    counts.lastSeen += await trimSortedSet(scripts, lastSeenKey(partition), oldestMs);
    for await (const channels of pagesOfChannels(redis, partition)) {
      counts.channels += await sweepSubscribers(scripts, partition, [], channels);
    }
  }
  return counts;
}
