/** The whole fleet over TLS as the least user that works, which stands in docs/redis.md. */

import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { channelKeys } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  asUser,
  dropRule,
  forgetRefusals,
  isFor,
  NEEDLESS,
  refusals,
  rulesOf,
  userLine,
} from '../kit/acl.js';
import type { Fleet } from '../kit/fleet.js';
import { freePort } from '../kit/ports.js';
import type { FaultyRedis } from '../kit/redis.js';
import { startFaultyRedis } from '../kit/redis-engine.js';
import {
  DEAD_CHANNEL,
  DEAD_MEMBER,
  ROUND_CONFIG,
  ROUND_EDGE_ENV,
  STEPS,
  type StepName,
} from '../kit/redis-round.js';
import { RestClient } from '../kit/rest.js';
import { SecureFleets } from '../kit/secure-fleets.js';
import { ready } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';

const RULES = rulesOf('all');
/** How long a step may still succeed once a command of it was refused. */
const SETTLE_MS = 300;
const EDGE_DEAD_MS = 4_000;
const JOBS_MODULE = import.meta.resolve('@halley/api/dist/jobs/job-queue.js');
/** What jobs, and workers that may die with one, come to. */
const JOB_SCRIPTS = [
  'addStandardJob',
  'addDelayedJob',
  'moveToActive',
  'moveToFinished',
  'moveToDelayed',
  'moveStalledJobsToWait',
  'extendLocks',
  'getRanges',
];

const SWEEP = 'sweep of a dead edge';
const LOOK = 'look for dead edges';

/** For each rule a step that fails without it. */
const NEEDED_BY: Readonly<Record<string, StepName | typeof LOOK | typeof SWEEP>> = {
  '~halley:*': 'publish to a channel',
  '~{halley:edges}:*': LOOK,
  '&halley:*': 'publish to a channel',
  '+del': "iComet's doors",
  '+eval': 'publish after SCRIPT FLUSH',
  '+evalsha': 'publish to a channel',
  '+exists': 'subscribe, receive and leave',
  '+get': 'publish to a channel',
  '+hdel': 'subscribe, receive and leave',
  '+hexists': 'presence',
  '+hget': 'private messages',
  '+hgetall': 'list channels',
  '+hlen': 'list channels',
  '+hmget': 'presence',
  '+hscan': 'members',
  '+hset': 'subscribe, receive and leave',
  '+hvals': "iComet's doors",
  '+info': 'state of the fleet',
  '+lrange': "DPS' door",
  '+lrem': "DPS' door",
  '+ltrim': "DPS' door",
  '+mget': 'repair after a lost connection',
  '+pexpire': 'publish to a channel',
  '+ping': 'state of the fleet',
  '+pttl': 'publish to a channel',
  '+rpush': "DPS' door",
  '+sadd': 'members',
  '+set': 'publish to a channel',
  '+spublish': 'publish to a channel',
  '+srem': 'members',
  '+sscan': SWEEP,
  '+ssubscribe': 'subscribe, receive and leave',
  '+sunsubscribe': 'subscribe, receive and leave',
  '+time': 'publish without history',
  '+unlink': 'publish without history',
  '+xadd': 'publish to a channel',
  '+xdel': 'publish after a step of the clock',
  '+xlen': 'list channels',
  '+xrange': 'resume',
  '+xrevrange': 'read and clear a history',
  '+xtrim': 'publish to a channel',
  '+zadd': 'subscribe, receive and leave',
  '+zmscore': 'presence',
  '+zrange': 'state of the fleet',
  '+zrangebylex': 'list channels',
  '+zrangebyscore': 'start of an edge',
  '+zrem': 'subscribe, receive and leave',
  '+zremrangebyscore': 'revoke and disconnect',
  '+zscore': 'presence',
};

describe('a Redis with TLS only, as a user with the rules of docs/redis.md', () => {
  let secure: SecureFleets;
  let redis: FaultyRedis;
  let fleet: Fleet;
  let rest: RestClient;
  let megacometPort: number;

  beforeAll(async () => {
    secure = await SecureFleets.prepare();
    redis = await startFaultyRedis({ tls: secure.tls, settings: [userLine()] });
    const redisUrl = asUser(redis.url);
    fleet = await secure.start({
      redisUrl,
      edges: 0,
      config: ROUND_CONFIG,
      edgeEnv: ROUND_EDGE_ENV,
    });
    megacometPort = await freePort();
    await fleet.addEdge({ HALLEY_MEGACOMET_PORT: String(megacometPort) });
    rest = new RestClient(fleet.api().url);
  });
  afterAll(async () => {
    await rest?.close();
    await fleet?.stop();
    await redis?.stop();
    await secure?.clear();
  });

  const take = (step: StepName) => STEPS[step]({ fleet, rest, redis, megacometPort });

  test('who may not ask for settings is told what they should be', async () => {
    await fleet.api().printed('does not let CONFIG GET be used');
    expect(await refusals(redis.client)).toEqual(['command config|get']);
  });

  test.each(Object.keys(STEPS) as StepName[])('%s', async (step) => {
    await forgetRefusals(redis.client);
    await take(step);
    expect(await refusals(redis.client)).toEqual([]);
  });

  test('each rule has a step that needs it', () => {
    expect(Object.keys(NEEDED_BY).sort()).toEqual([...RULES].sort());
  });

  describe('with one rule less', () => {
    const steps = Object.entries(NEEDED_BY).flatMap(([rule, step]) =>
      step === LOOK || step === SWEEP ? [] : [[rule, step] as const],
    );
    const seen = new Set<string>();
    const refused = async () => {
      const now = await refusals(redis.client);
      for (const one of now) seen.add(one);
      return now;
    };
    let allowSweep: () => Promise<void>;
    // The edge that the round has killed is found dead meanwhile.
    beforeAll(async () => {
      allowSweep = await dropRule(redis.client, '+sscan');
    });

    test.each(steps)('without %s there is no: %s', async (rule, step) => {
      await ready(fleet.edge());
      await refused();
      await forgetRefusals(redis.client);
      const restore = await dropRule(redis.client, rule);
      let outcome: 'done' | 'failed' | null = null;
      const taken = take(step).then(
        () => {
          outcome = 'done';
        },
        () => {
          outcome = 'failed';
        },
      );
      try {
        const isIt = (one: string) => isFor(rule, one);
        const isRefused = async () => outcome === 'done' || (await refused()).some(isIt);
        await eventually(isRefused, `${rule} is refused`);
        await Promise.race([taken, pause(SETTLE_MS)]);
        expect(outcome).not.toBe('done');
      } finally {
        await restore();
      }
    });

    test(`without ~{halley:edges}:* there is no: ${LOOK}`, async () => {
      const restore = await dropRule(redis.client, '~{halley:edges}:*');
      const isRefused = async () => (await refused()).includes('key {halley:edges}:look');
      await eventually(isRefused, 'an api looks').finally(restore);
    });

    test(`without +sscan there is no: ${SWEEP}`, async () => {
      const { members } = channelKeys(DEAD_CHANNEL);
      const hasMember = async () => (await redis.client.hexists(members, DEAD_MEMBER)) === 1;
      const isRefused = async () => (await refused()) && seen.has('command sscan');
      await eventually(isRefused, 'a sweep began', 5 * EDGE_DEAD_MS);
      expect(await hasMember()).toBe(true);
      await allowSweep();
      await forgetRefusals(redis.client);
      await eventually(async () => !(await hasMember()), 'the dead are gone', 5 * EDGE_DEAD_MS);
      expect((await refused()).filter((one) => !NEEDLESS.includes(one))).toEqual([]);
    });
  });

  test('with all rules again, all is well, to the end of an edge', async () => {
    await ready(fleet.edge());
    await forgetRefusals(redis.client);
    await take('publish to a channel');
    await take('repair after a lost connection');
    await fleet.edge().terminate();
    expect(await refusals(redis.client)).toEqual([]);
  });
});

describe('the rules for jobs', () => {
  test("are the commands of BullMQ's scripts that are used, and three more", () => {
    const commands = new Set(['bzpopmin', 'eval', 'evalsha']);
    for (const script of JOB_SCRIPTS) {
      const calls = scriptOf(script).matchAll(/(?:rcall|redis\.call)\(\s*["'](\w+)["']/gi);
      for (const [, command = ''] of calls) commands.add(command.toLowerCase());
    }
    const rules = [...commands].sort().map((command) => `+${command}`);
    expect(rulesOf('jobs')).toEqual(['~{halley:jobs}:*', ...rules]);
  });
});

/** The text of one of BullMQ's Lua scripts, its includes put in. */
function scriptOf(name: string): string {
  const scripts = createRequire(JOBS_MODULE)('bullmq/dist/cjs/scripts') as Record<string, unknown>;
  const { content } = scripts[name] as { content: string };
  return content;
}
