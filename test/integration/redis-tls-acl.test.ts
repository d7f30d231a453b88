/** The whole fleet over TLS as the least user that works, which stands in docs/redis.md. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asUser, dropRule, forgetRefusals, refusals, rulesOf, userLine } from '../kit/acl.js';
import { makeCertificates } from '../kit/certificates.js';
import { type Fleet, type FleetOptions, startFleet } from '../kit/fleet.js';
import { freePort } from '../kit/ports.js';
import type { FaultyRedis, ServerTls } from '../kit/redis.js';
import { startFaultyRedis } from '../kit/redis-engine.js';
import { ROUND_CONFIG, ROUND_EDGE_ENV, STEPS, type StepName } from '../kit/redis-round.js';
import { RestClient } from '../kit/rest.js';
import { ready } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';

const RULES = rulesOf('user halley on >SECRET');
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
  '+zrangebyscore': 'start and stop of an edge',
  '+zrem': 'subscribe, receive and leave',
  '+zremrangebyscore': 'revoke and disconnect',
  '+zscore': 'presence',
};

let dir: string;
let tls: ServerTls;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'halley-tls-'));
  tls = await makeCertificates();
  await writeFile(join(dir, 'ca.pem'), tls.ca);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function startSecureFleet(options: FleetOptions): Promise<Fleet> {
  const env = { HALLEY_REDIS_CA: join(dir, 'ca.pem') };
  return startFleet({ config: ROUND_CONFIG, edgeEnv: ROUND_EDGE_ENV, env, ...options });
}

describe('a Redis with TLS only, as a user with the rules of docs/redis.md', () => {
  let redis: FaultyRedis;
  let fleet: Fleet;
  let rest: RestClient;
  let megacometPort: number;

  beforeAll(async () => {
    redis = await startFaultyRedis({ tls, settings: [userLine(RULES)] });
    fleet = await startSecureFleet({ redisUrl: asUser(redis.url), edges: 0 });
    megacometPort = await freePort();
    await fleet.addEdge({ HALLEY_MEGACOMET_PORT: String(megacometPort) });
    rest = new RestClient(fleet.api().url);
  });
  afterAll(async () => {
    await rest?.close();
    await fleet?.stop();
    await redis?.stop();
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

  test('with all rules again, it is all well', async () => {
    await ready(fleet.edge());
    await take('publish to a channel');
    await take('repair after a lost connection');
  });
});
