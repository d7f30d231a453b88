import { Publisher } from '@halley/shared/publish';
import { Scripts } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberFrom, Random, seedFrom } from '../kit/random.js';
import { EdgeCase, type EdgeSchedule, type EdgeTally } from './edge-case.js';
import { LiveFeed } from './live-feed.js';
import { type SteppedRedis, startSteppedRedis } from './stepped-redis.js';

const SEED = seedFrom('MODEL_SEED', 20_261_121);
const RESUMES = numberFrom('MODEL_RESUMES', 2_500);
const DEADLINE_MS = 120_000;

const CALM = { hasFaults: false, hasReconfiguration: false, hasLag: false, hasDrops: false };
const SCHEDULES: readonly EdgeSchedule[] = [
  { ...CALM, name: 'no fault' },
  { ...CALM, name: 'messages that come late', hasLag: true },
  { ...CALM, name: 'lost messages and reads', hasLag: true, hasDrops: true },
  { ...CALM, name: 'history switched off and on', hasLag: true, hasReconfiguration: true },
  { ...CALM, name: 'all faults', hasLag: true, hasDrops: true, hasFaults: true },
];

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

async function play(schedule: EdgeSchedule): Promise<EdgeTally> {
  const scripts = new Scripts(redis.client);
  const publisher = new Publisher(redis.client, scripts, { seconds: 60, maxMessages: 1_000 });
  const world = { redis, scripts, publisher, feed };
  const tally: EdgeTally = {
    resumes: 0,
    recovered: 0,
    falseTrue: 0,
    untidy: 0,
    falseFalse: 0,
    unmarked: 0,
    broken: 0,
    gaps: 0,
    outrun: 0,
    firstFailure: null,
  };
  await redis.client.flushall();
  for (let index = 0; tally.resumes < RESUMES; index += 1) {
    const random = Random.ofCase(SEED, index);
    await new EdgeCase(world, random, `case-${index}`, schedule).run(tally);
  }
  process.stdout.write(`edge model, ${schedule.name}, seed ${SEED}: ${JSON.stringify(tally)}\n`);
  return tally;
}

describe('streams of two edges', () => {
  it.each(SCHEDULES)(
    'are whole for whoever is told so: $name',
    async (schedule) => {
      const tally = await play(schedule);
      expect(tally.firstFailure).toBeNull();
      expect(tally).toMatchObject({ falseTrue: 0, broken: 0 });
      expect(tally.recovered).toBeGreaterThan(tally.resumes / 5);
      expect(tally.resumes - tally.recovered).toBeGreaterThan(tally.resumes / 10);
      if (!schedule.hasFaults) expect(tally.untidy).toBe(0);
      // A read that is ahead of what comes live by more than the log holds is a gap like any other.
      if (!schedule.hasLag) expect(tally.gaps).toBeLessThan(tally.resumes / 100);
      if (!schedule.hasLag) expect(tally.falseFalse).toBe(0);
    },
    DEADLINE_MS,
  );
});
