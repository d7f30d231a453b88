import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberFrom, seedFrom } from '../kit/random.js';
import { EDGE_SCHEDULES, playEdges } from './edge-model.js';
import { LiveFeed } from './live-feed.js';
import { type SteppedRedis, startSteppedRedis } from './stepped-redis.js';

const SEED = seedFrom('MODEL_SEED', 20_261_121);
const RESUMES = numberFrom('MODEL_RESUMES', 400);
const DEADLINE_MS = 120_000;

let redis: SteppedRedis;
let feed: LiveFeed;

beforeAll(async () => {
  redis = await startSteppedRedis();
  feed = new LiveFeed(redis.url);
  await feed.connect();
});
afterAll(async () => {
  feed.close();
  await redis.stop();
});

describe('streams of two edges', () => {
  it.each(Object.values(EDGE_SCHEDULES))(
    'are whole for whoever is told so: $name',
    async (schedule) => {
      const tally = await playEdges({ redis, feed, schedule, seed: SEED, resumes: RESUMES });
      expect(tally.firstFailure).toBeNull();
      expect(tally).toMatchObject({ falseTrue: 0, broken: 0 });
      expect(tally.recovered).toBeGreaterThan(tally.resumes / 5);
      expect(tally.resumes - tally.recovered).toBeGreaterThan(tally.resumes / 20);
      if (!schedule.hasFaults) expect(tally).toMatchObject({ untidy: 0, unmarked: 0 });
      if (schedule.hasLag) return;
      // What remains are reads that are ahead of what comes live, by more than the log holds.
      expect(tally.falseFalse).toBeLessThan(tally.resumes / 100);
      expect(tally.gaps).toBeLessThan(tally.resumes / 100);
    },
    DEADLINE_MS,
  );

  it(
    'are found out where an edge does not look at the chain',
    async () => {
      const schedule = EDGE_SCHEDULES.dropping;
      const run = { redis, feed, schedule, seed: SEED, resumes: RESUMES, isBlind: true };
      const tally = await playEdges(run);
      expect(tally.broken).toBeGreaterThan(0);
    },
    DEADLINE_MS,
  );
});
