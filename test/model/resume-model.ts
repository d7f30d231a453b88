import { Publisher } from '@halley/shared/publish';
import { Scripts } from '@halley/shared/redis';
import { UNBOUNDED } from '../kit/publishers.js';
import { Random } from '../kit/random.js';
import type { Schedule } from './channel-life.js';
import { type Resume, ResumeCase, type Rule } from './resume-case.js';
import type { SteppedRedis } from './stepped-redis.js';

export const SCHEDULES = {
  quiet: { name: 'no fault', hasFaults: false, hasReconfiguration: false },
  faulty: {
    name: 'clock steps, roll-backs, deleted logs, 9-day gaps',
    hasFaults: true,
    hasReconfiguration: false,
  },
  reconfigured: {
    name: 'history switched off and on',
    hasFaults: false,
    hasReconfiguration: true,
  },
} as const satisfies Record<string, Schedule>;

/** What a rule did in many cases, judged by what really happened. */
export interface Tally {
  resumes: number;
  recovered: number;
  /** `recovered: true`, and something was missing after the replay: the first one's story. */
  falseTrue: number;
  /** `recovered: false`, and nothing was missing after the replay. */
  falseFalse: number;
  /** `recovered: true` after a loss that an edge had seen and marked. */
  unmarked: number;
  /** `recovered: true` with a replay out of order, or with what the client had already. */
  untidy: number;
  fallenIds: number;
  firstFailure: string | null;
}

export interface Run {
  readonly redis: SteppedRedis;
  readonly rule: Rule;
  readonly schedule: Schedule;
  readonly seed: number;
  /** Other scripts than the real ones. */
  readonly scripts?: Scripts;
  /** Cases are played until there are so many resumes. */
  readonly resumes: number;
}

export async function play(run: Run): Promise<Tally> {
  const { redis, rule, schedule, seed, resumes, scripts = new Scripts(redis.client) } = run;
  const publisher = new Publisher(
    redis.client,
    scripts,
    { seconds: 60, maxMessages: 1_000 },
    UNBOUNDED,
  );
  const tally: Tally = {
    resumes: 0,
    recovered: 0,
    falseTrue: 0,
    falseFalse: 0,
    unmarked: 0,
    untidy: 0,
    fallenIds: 0,
    firstFailure: null,
  };
  await redis.client.flushall();
  for (let index = 0; tally.resumes < resumes; index += 1) {
    const random = Random.ofCase(seed, index);
    const world = { redis, scripts, publisher };
    const played = new ResumeCase(world, random, `model:${index}`, schedule, rule);
    await played.run();
    tally.fallenIds += played.life.fallenIds;
    for (const resume of played.resumes) count(tally, resume, `seed ${seed}, case ${index}`);
  }
  return tally;
}

function count(tally: Tally, resume: Resume, place: string): void {
  const { recovered, missed, replayed, markedLosses } = resume;
  const isWhole = missed.every((id) => replayed.includes(id));
  tally.resumes += 1;
  if (!recovered) {
    if (isWhole) tally.falseFalse += 1;
    return;
  }
  tally.recovered += 1;
  if (!isWhole) tally.falseTrue += 1;
  else if (missed.join() !== replayed.join()) tally.untidy += 1;
  if (markedLosses > 0) tally.unmarked += 1;
  if (!isWhole || markedLosses > 0) {
    const { position } = resume.given;
    tally.firstFailure ??= `${place}: after ${position} missed [${missed}], replayed [${replayed}]`;
  }
}

export function describeTally(name: string, tally: Tally): string {
  const { resumes, recovered, falseTrue, falseFalse, unmarked, untidy, fallenIds } = tally;
  return (
    `${name}: ${resumes} resumes, ${recovered} true, ${falseTrue} false true, ` +
    `${resumes - recovered} false, ${falseFalse} false false, ${unmarked} true in spite of a mark, ` +
    `${untidy} untidy replays, ${fallenIds} ids that fell\n`
  );
}
