import type { LogView } from '@halley/shared/protocol';
import { Publisher } from '@halley/shared/publish';
import { channelKeys, Scripts, viewLog } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNBOUNDED } from '../kit/publishers.js';
import { type SteppedRedis, startSteppedRedis } from './stepped-redis.js';

const DAY_MS = 86_400_000;

let redis: SteppedRedis;

beforeAll(async () => {
  redis = await startSteppedRedis();
});
afterAll(() => redis.stop());

/** The view of a channel after messages on these days. */
async function viewAfter(
  channel: string,
  historySeconds: number,
  days: readonly number[],
): Promise<LogView> {
  const scripts = new Scripts(redis.client);
  const publisher = new Publisher(
    redis.client,
    scripts,
    { seconds: 60, maxMessages: 1_000 },
    UNBOUNDED,
  );
  const startMs = redis.now();
  for (const day of days) {
    redis.step(startMs + day * DAY_MS - redis.now());
    const outcome = await publisher.toChannel(channel, '"data":1', {
      historySize: 100,
      historySeconds,
    });
    if (!('id' in outcome)) throw new Error(`not published: ${outcome.message}`);
  }
  return viewLog(scripts, channel, null);
}

describe('the top of a channel', () => {
  it.each([
    { age: 'a second', seconds: 1, days: [0, 1, 2] },
    { age: 'half a week', seconds: 302_400, days: [0, 3.4, 6.9, 7.1] },
    { age: 'a week', seconds: 604_800, days: [0, 6.9, 7.1, 14, 20, 20.1] },
  ])('outlives its log, however old messages may be: $age', async ({ age, seconds, days }) => {
    const channel = `top:${age.replaceAll(' ', '-')}`;
    const { top, entries } = await viewAfter(channel, seconds, days);
    expect(top).toBe(entries.at(-1)?.id);
    for (const [index, entry] of entries.entries()) {
      if (index > 0) expect(entry.prev).toBe(entries[index - 1]?.id);
    }
    const { log, top: topKey } = channelKeys(channel);
    expect(await redis.client.pttl(topKey)).toBeGreaterThanOrEqual(await redis.client.pttl(log));
    expect(await redis.client.pttl(topKey)).toBeGreaterThan(0);
  });
});
