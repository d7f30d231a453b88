import { decide } from '@halley/edge/dist/core/recovery.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberFrom, seedFrom } from '../kit/random.js';
import type { Schedule } from './channel-life.js';
import type { Rule } from './resume-case.js';
import { describeTally, play, SCHEDULES, type Tally } from './resume-model.js';
import { type SteppedRedis, startSteppedRedis } from './stepped-redis.js';
import { unguardedScripts, WRONG_RULES } from './wrong-rules.js';

const SEED = seedFrom('MODEL_SEED', 20_261_121);
const RESUMES = numberFrom('MODEL_RESUMES', 600);
/** Resumes within which a wrong rule must show. */
const PLANTED_RESUMES = 1_500;
const DEADLINE_MS = 120_000;

let redis: SteppedRedis;

beforeAll(async () => {
  redis = await startSteppedRedis();
});
afterAll(() => redis.stop());

async function judged(
  name: string,
  rule: Rule,
  schedule: Schedule,
  resumes: number,
): Promise<Tally> {
  const tally = await play({ redis, rule, schedule, seed: SEED, resumes });
  process.stdout.write(describeTally(`resume model, ${name}, ${schedule.name}`, tally));
  return tally;
}

describe('the rule of resumes', () => {
  it.each(Object.values(SCHEDULES))(
    'proves nothing that is not so: $name',
    async (schedule) => {
      const tally = await judged('the rule', decide, schedule, RESUMES);
      expect(tally.firstFailure).toBeNull();
      expect(tally).toMatchObject({ falseTrue: 0, unmarked: 0, untidy: 0, fallenIds: 0 });
      // A model that seldom sees the one answer or the other proves little.
      expect(tally.recovered).toBeGreaterThan(tally.resumes / 5);
      expect(tally.resumes - tally.recovered).toBeGreaterThan(tally.resumes / 10);
      if (!schedule.hasFaults) expect(tally.falseFalse).toBe(0);
    },
    DEADLINE_MS,
  );
});

describe('the judge', () => {
  const expected: Readonly<Record<keyof typeof WRONG_RULES, keyof Tally>> = {
    byIdOnly: 'falseTrue',
    byOrderOfIds: 'falseTrue',
    emptyMeansNothing: 'falseTrue',
    emptyPositionIsWhole: 'falseTrue',
    anyLogIsWhole: 'falseTrue',
    marksIgnored: 'unmarked',
    neverSure: 'falseFalse',
  };

  it.each(Object.keys(expected) as (keyof typeof WRONG_RULES)[])(
    'finds out the rule %s',
    async (name) => {
      const tally = await judged(name, WRONG_RULES[name], SCHEDULES.faulty, PLANTED_RESUMES);
      expect(tally[expected[name]]).toBeGreaterThan(0);
    },
    DEADLINE_MS,
  );

  it(
    'finds out scripts that let ids fall',
    async () => {
      const scripts = unguardedScripts(redis.client);
      const schedule = SCHEDULES.faulty;
      const run = { redis, rule: decide, schedule, seed: SEED, resumes: PLANTED_RESUMES, scripts };
      const tally = await play(run);
      process.stdout.write(describeTally('resume model, no guard of ids, faulty', tally));
      expect(tally.fallenIds).toBeGreaterThan(0);
    },
    DEADLINE_MS,
  );
});
