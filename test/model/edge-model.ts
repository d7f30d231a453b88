import { Publisher } from '@halley/shared/publish';
import { Scripts } from '@halley/shared/redis';
import { UNBOUNDED } from '../kit/publishers.js';
import { Random } from '../kit/random.js';
import { EdgeCase, type EdgeSchedule, type EdgeTally } from './edge-case.js';
import type { LiveFeed } from './live-feed.js';
import type { SteppedRedis } from './stepped-redis.js';

const CALM = { hasFaults: false, hasReconfiguration: false, hasLag: false, hasDrops: false };

export const EDGE_SCHEDULES = {
  calm: { ...CALM, name: 'no fault' },
  late: { ...CALM, name: 'messages that come late', hasLag: true },
  dropping: { ...CALM, name: 'lost messages and reads', hasLag: true, hasDrops: true },
  reconfigured: {
    ...CALM,
    name: 'history switched off and on',
    hasLag: true,
    hasReconfiguration: true,
  },
  faulty: { ...CALM, name: 'all faults', hasLag: true, hasDrops: true, hasFaults: true },
} as const satisfies Record<string, EdgeSchedule>;

export interface EdgeRun {
  readonly redis: SteppedRedis;
  readonly feed: LiveFeed;
  readonly schedule: EdgeSchedule;
  readonly seed: number;
  /** Cases are played until there are so many resumes. */
  readonly resumes: number;
  /** A planted defect. */
  readonly isBlind?: boolean;
}

export async function playEdges(run: EdgeRun): Promise<EdgeTally> {
  const { redis, feed, schedule, seed, resumes, isBlind = false } = run;
  const scripts = new Scripts(redis.client);
  const publisher = new Publisher(
    redis.client,
    scripts,
    { seconds: 60, maxMessages: 1_000 },
    UNBOUNDED,
  );
  const world = { redis, scripts, publisher, feed, isBlind };
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
  for (let index = 0; tally.resumes < resumes; index += 1) {
    const random = Random.ofCase(seed, index);
    await new EdgeCase(world, random, `case-${index}`, schedule).run(tally);
  }
  const name = isBlind ? `${schedule.name}, blind` : schedule.name;
  process.stdout.write(`edge model, ${name}, seed ${seed}: ${JSON.stringify(tally)}\n`);
  return tally;
}
