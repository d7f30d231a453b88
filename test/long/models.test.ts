/** The models with other seeds and many more cases than `npm test` has time for. */

import { decide } from '@halley/edge/dist/core/recovery.js';
import { decodeClientText } from '@halley/shared/protocol';
import { createCommandClient, parseRedisUrl } from '@halley/shared/redis';
import { expect, it } from 'vitest';
import { fuzz } from '../fuzz/decode-fuzz.js';
import { numberFrom, seedFrom } from '../kit/random.js';
import { startPrivateRedis } from '../kit/redis.js';
import { eventually } from '../kit/wait.js';
import { EDGE_SCHEDULES, playEdges } from '../model/edge-model.js';
import { LiveFeed } from '../model/live-feed.js';
import { PRESENCE_SCHEDULES, playPresence, rightPresence } from '../model/presence-model.js';
import { describeTally, play, SCHEDULES } from '../model/resume-model.js';
import { startSteppedRedis } from '../model/stepped-redis.js';

/** Another one each day, unless it is named: printed with every result. */
const SEED = seedFrom('MODEL_SEED', Math.floor(Date.now() / 86_400_000));
const RESUMES = numberFrom('MODEL_RESUMES', 50_000);
const CASES = numberFrom('MODEL_CASES', 50_000);
const INPUTS = numberFrom('FUZZ_INPUTS', 10_000_000);

it.each(Object.values(SCHEDULES))('resumes from the log: $name', async (schedule) => {
  const redis = await startSteppedRedis();
  try {
    const tally = await play({ redis, rule: decide, schedule, seed: SEED, resumes: RESUMES });
    process.stdout.write(describeTally(`resume model, seed ${SEED}, ${schedule.name}`, tally));
    expect(tally.firstFailure).toBeNull();
    expect(tally).toMatchObject({ falseTrue: 0, unmarked: 0, untidy: 0, fallenIds: 0 });
    if (!schedule.hasFaults) expect(tally.falseFalse).toBe(0);
  } finally {
    await redis.stop();
  }
});

it.each(Object.values(EDGE_SCHEDULES))('streams of two edges: $name', async (schedule) => {
  const redis = await startSteppedRedis();
  const feed = new LiveFeed(redis.url);
  try {
    await feed.connect();
    const tally = await playEdges({ redis, feed, schedule, seed: SEED, resumes: RESUMES });
    expect(tally.firstFailure).toBeNull();
    expect(tally).toMatchObject({ falseTrue: 0, broken: 0 });
  } finally {
    feed.close();
    await redis.stop();
  }
});

it.each(PRESENCE_SCHEDULES)('presence: $name', async (schedule) => {
  const server = await startPrivateRedis();
  const redis = createCommandClient(parseRedisUrl(server.url), 10_000);
  try {
    await eventually(() => redis.status === 'ready', 'the model is connected to its Redis');
    const run = { ...schedule, redis, seed: SEED, makePresence: rightPresence, cases: CASES };
    expect(await playPresence(run)).toMatchObject({ absent: 0, stale: 0, firstFailure: null });
  } finally {
    redis.disconnect();
    await server.stop();
  }
});

it('the decoder', () => {
  expect(fuzz(decodeClientText, SEED, INPUTS).finding).toBeNull();
});
