import { type CommandClient, createCommandClient, parseRedisUrl } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberFrom, seedFrom } from '../kit/random.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { eventually } from '../kit/wait.js';
import {
  countingPresence,
  PRESENCE_SCHEDULES,
  playPresence,
  rightPresence,
} from './presence-model.js';

const SEED = seedFrom('MODEL_SEED', 20_261_121);
const CASES = numberFrom('MODEL_CASES', 600);
const PLANTED_CASES = 300;
const DEADLINE_MS = 120_000;

let server: PrivateRedis;
let redis: CommandClient;

beforeAll(async () => {
  server = await startPrivateRedis();
  redis = createCommandClient(parseRedisUrl(server.url), 10_000);
  await eventually(() => redis.status === 'ready', 'the model is connected to its Redis');
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

describe('presence', () => {
  it.each(PRESENCE_SCHEDULES)(
    'shows who is connected and nobody else: $name',
    async (schedule) => {
      const run = { ...schedule, redis, seed: SEED, makePresence: rightPresence, cases: CASES };
      const tally = await playPresence(run);
      expect(tally).toMatchObject({ absent: 0, stale: 0, firstFailure: null });
      expect(tally.connected).toBeGreaterThan(CASES / 2);
    },
    DEADLINE_MS,
  );
});

describe('the judge', () => {
  it.each(PRESENCE_SCHEDULES)(
    'finds out what only counts: $name',
    async (schedule) => {
      const tally = await playPresence({
        ...schedule,
        name: `only counting, ${schedule.name}`,
        redis,
        seed: SEED,
        makePresence: countingPresence,
        cases: PLANTED_CASES,
      });
      expect(tally.absent).toBeGreaterThan(0);
      expect(tally.stale).toBeGreaterThan(0);
    },
    DEADLINE_MS,
  );
});
