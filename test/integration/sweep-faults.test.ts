/** Dead edges while Redis or an api fails, too. Each test has a fleet of its own; they wait side by side. */

import { channelKeys, EDGES_KEY, tombstoneKey } from '@halley/shared/redis';
import { Cluster } from 'ioredis';
import { describe, expect, type TestContext, test } from 'vitest';
import { addCrowd, countPresent } from '../kit/crowd.js';
import { type Fleet, type FleetOptions, startFleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { startRedisCluster } from '../kit/redis-cluster.js';
import { EDGE_DEAD_MS, graveOf, sweptBy } from '../kit/sweeps.js';
import { eventually } from '../kit/wait.js';

const TEST_DEADLINE_MS = 120_000;
/** Five times the whole way: silence, a lock that runs out, the sweep and its second pass. */
const SWEPT_MS = 90_000;
/** Enough that one pass takes long enough to be hit. */
const CROWD = 100_000;
const ENV = { HALLEY_EDGE_DEAD_MS: String(EDGE_DEAD_MS) };

describe.concurrent('dead edges', () => {
  test(
    'are swept to the end by another api where the one that was at it died',
    async (context) => {
      const { redis, fleet } = await start(context, { edges: 1, apis: 1 });
      const edgeId = await killWithCrowd(redis, fleet);
      await eventually(() => graveOf(redis.client, edgeId), 'the sweep has begun', SWEPT_MS);
      await fleet.api().kill();
      expect(await graveOf(redis.client, edgeId)).not.toBe('swept');
      const other = await fleet.addApi();
      await eventually(async () => (await sweptBy([other])) === 1, 'it is swept', SWEPT_MS);
      expect(await countPresent(redis.client)).toBe(0);
    },
    TEST_DEADLINE_MS,
  );

  test(
    'are not found in a Redis that stands still, and are swept to the end where it runs out of memory',
    async (context) => {
      const { redis, fleet } = await start(context, { edges: 2, apis: 1 });
      const edgeId = await killWithCrowd(redis, fleet);
      await redis.client.client('PAUSE', EDGE_DEAD_MS + 1_500, 'ALL');
      await redis.client.ping();
      const resumedAtMs = Date.now();
      await eventually(() => graveOf(redis.client, edgeId), 'the sweep has begun', SWEPT_MS);
      // Of the time before nothing counts.
      expect(firstFoundMs(fleet) - resumedAtMs).toBeGreaterThan(EDGE_DEAD_MS - 2_000);
      await redis.client.config('SET', 'maxmemory', '1mb');
      await eventually(
        async () => (await redis.client.info('errorstats')).includes('errorstat_OOM'),
        'Redis refuses',
      );
      expect(await graveOf(redis.client, edgeId)).not.toBe('swept');
      await redis.client.config('SET', 'maxmemory', '0');
      await eventually(async () => (await sweptBy(fleet.apis)) === 1, 'it is swept', SWEPT_MS);
      expect(await countPresent(redis.client)).toBe(0);
      expect(await redis.client.keys('halley:edge:*:dead')).toEqual([tombstoneKey(edgeId)]);
      await expectQuietWithoutRedis(redis, fleet);
    },
    TEST_DEADLINE_MS,
  );

  /** Nobody who serves waits for the jobs, and they fill no log. */
  async function expectQuietWithoutRedis(redis: PrivateRedis, fleet: Fleet): Promise<void> {
    const api = fleet.api();
    const linesBefore = api.output.split('\n').length;
    await redis.kill();
    await eventually(async () => !(await fetch(`${api.url}/readyz`)).ok, 'it knows');
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    expect(await api.terminate()).toEqual({ code: 0, signal: null });
    const added = api.output.split('\n').slice(linesBefore - 1);
    expect(added.filter((line) => line !== '' && !line.includes('stopping'))).toEqual([]);
  }

  test(
    'are swept in a Cluster of three masters',
    async (context) => {
      const { onTestFinished } = context;
      const cluster = await startRedisCluster({ masters: 3 });
      onTestFinished(() => cluster.stop());
      const fleet = await startFleet({ redisUrl: cluster.url, edges: 1, apis: 1, env: ENV });
      onTestFinished(() => fleet.stop());
      const redis = new Cluster(cluster.url.split(','));
      onTestFinished(() => redis.disconnect());

      const rooms = Array.from({ length: 30 }, (_, index) => `demo:room-${index}`);
      for (const room of rooms) {
        const client = await connect(fleet.edge().wsUrl, { client: `in ${room}` });
        await client.subscribe(room);
        const { members, subscribers } = channelKeys(room);
        await redis.hset(subscribers, 'other', 1);
        await redis.hset(members, 'stays', 'other=1 ');
      }
      expect(await countPresent(redis)).toBe(rooms.length);
      await fleet.edge().kill();
      await eventually(async () => (await sweptBy(fleet.apis)) === 1, 'it is swept', SWEPT_MS);
      expect(await countPresent(redis)).toBe(0);
      expect(await redis.zrange(EDGES_KEY, '0', '-1')).toEqual([]);
      for (const room of rooms) {
        const { members, subscribers } = channelKeys(room);
        expect(await redis.hgetall(subscribers)).toEqual({ other: '1' });
        expect(await redis.hgetall(members)).toEqual({ stays: 'other=1 ' });
      }
    },
    TEST_DEADLINE_MS,
  );
});

/** A Redis of its own and a fleet at it; both end with the test. */
async function start(
  { onTestFinished }: TestContext,
  options: Omit<FleetOptions, 'redisUrl'>,
): Promise<{ redis: PrivateRedis; fleet: Fleet }> {
  const redis = await startPrivateRedis();
  onTestFinished(() => redis.stop());
  const fleet = await startFleet({ redisUrl: redis.url, env: ENV, ...options });
  onTestFinished(() => fleet.stop());
  return { redis, fleet };
}

/** Kills the first edge, and with it more clients than a test could connect. @returns its id */
async function killWithCrowd(redis: PrivateRedis, fleet: Fleet): Promise<string> {
  const client = await connect(fleet.edge().wsUrl);
  const { edgeId } = await client.welcomed();
  await addCrowd(redis.client, edgeId, CROWD);
  await fleet.edge().kill();
  return edgeId;
}

/** Unix ms at which the api found an edge dead, by its log. */
function firstFoundMs(fleet: Fleet): number {
  const line =
    fleet
      .api()
      .output.split('\n')
      .find((text) => text.includes('are silent')) ?? '{}';
  return Date.parse((JSON.parse(line) as { time: string }).time);
}
