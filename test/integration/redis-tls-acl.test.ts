/** The whole fleet over TLS as the least user that works, which stands in docs/redis.md. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  asUser,
  dropRule,
  forgetRefusals,
  refusals,
  rulesOf,
  USER_LINE,
  userLine,
} from '../kit/acl.js';
import type { Fleet } from '../kit/fleet.js';
import { freePort } from '../kit/ports.js';
import type { FaultyRedis } from '../kit/redis.js';
import { startFaultyRedis } from '../kit/redis-engine.js';
import { ROUND_CONFIG, ROUND_EDGE_ENV, STEPS, type StepName } from '../kit/redis-round.js';
import { RestClient } from '../kit/rest.js';
import { SecureFleets } from '../kit/secure-fleets.js';
import { ready } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';

const RULES = rulesOf(USER_LINE);
/** How long a step may still succeed once a command of it was refused. */
const SETTLE_MS = 100;

/** For each rule a step that fails without it. */
const NEEDED_BY: Readonly<Record<string, StepName>> = {
  '~halley:*': 'publish to a channel',
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
    redis = await startFaultyRedis({ tls: secure.tls, settings: [userLine(RULES)] });
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

  test.each(Object.entries(NEEDED_BY))('without %s there is no: %s', async (rule, step) => {
    await ready(fleet.edge());
    await forgetRefusals(redis.client);
    const restore = await dropRule(redis.client, rule);
    let isDone = false;
    const taken = take(step).then(
      () => {
        isDone = true;
      },
      () => undefined,
    );
    try {
      const expected =
        { '~': 'key ', '&': 'channel ' }[rule[0] ?? ''] ?? rule.replace('+', 'command ');
      await eventually(async () => {
        const refused = await refusals(redis.client);
        return isDone || refused.some((one) => one.startsWith(expected));
      }, `${rule} is refused`);
      await Promise.race([taken, new Promise((resolve) => setTimeout(resolve, SETTLE_MS))]);
      expect(isDone).toBe(false);
    } finally {
      await restore();
    }
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
