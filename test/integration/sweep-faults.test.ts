/** Dead edges while Redis or an api fails, too. Each test has a fleet of its own; they wait side by side. */

import { channelKeys, EDGES_KEY } from '@halley/shared/redis';
import { Cluster } from 'ioredis';
import { describe, type TestContext, test } from 'vitest';
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
    'are none in a Redis that was paused for longer than an edge may be silent',
    async (context) => {
      const { expect } = context;
      const { redis, fleet } = await start(context, { edges: 2, apis: 1 });
      const before = [...(await beatsOf(redis)).keys()];
      await redis.client.client('PAUSE', EDGE_DEAD_MS + 1_500, 'ALL');
      await redis.client.ping();
      // From here on as long as it takes to find an edge dead that is not heard of any more.
      const watchedMs = Date.now() + EDGE_DEAD_MS + 1_500;
      await eventually(
        async () => [...(await beatsOf(redis)).values()].every((beatMs) => beatMs > watchedMs),
        'heartbeats go on',
        SWEPT_MS,
      );
      expect([...(await beatsOf(redis)).keys()]).toEqual(before);
      expect(await redis.client.keys('halley:edge:*:dead')).toEqual([]);
      expect(await sweptBy(fleet.apis)).toBe(0);
    },
    TEST_DEADLINE_MS,
  );

  test(
    'are swept to the end by another api where the one that was at it died',
    async (context) => {
      const { expect } = context;
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
    'are swept to the end where Redis ran out of memory in between',
    async (context) => {
      const { expect } = context;
      const { redis, fleet } = await start(context, { edges: 1, apis: 1 });
      const edgeId = await killWithCrowd(redis, fleet);
      await eventually(() => graveOf(redis.client, edgeId), 'the sweep has begun', SWEPT_MS);
      await redis.client.config('SET', 'maxmemory', '1mb');
      await eventually(
        async () => (await redis.client.info('errorstats')).includes('errorstat_OOM'),
        'Redis refuses',
      );
      expect(await graveOf(redis.client, edgeId)).not.toBe('swept');
      await redis.client.config('SET', 'maxmemory', '0');
      await eventually(async () => (await sweptBy(fleet.apis)) === 1, 'it is swept', SWEPT_MS);
      expect(await countPresent(redis.client)).toBe(0);
    },
    TEST_DEADLINE_MS,
  );

  test(
    'are swept in a Cluster of three masters',
    async (context) => {
      const { expect, onTestFinished } = context;
      const cluster = await startRedisCluster(3);
      onTestFinished(() => cluster.stop());
      const fleet = await startFleet({ redisUrl: cluster.url, edges: 2, apis: 2, env: ENV });
      onTestFinished(() => fleet.stop());
      const redis = new Cluster(cluster.url.split(','));
      onTestFinished(() => redis.disconnect());

      const observer = await connect(fleet.edge(1).wsUrl, { client: 'observer' });
      const rooms = Array.from({ length: 30 }, (_, index) => `demo:room-${index}`);
      for (const room of rooms) {
        const client = await connect(fleet.edge(0).wsUrl, { client: `in ${room}` });
        await client.subscribe(room);
        await observer.subscribe(room);
      }
      const ids = await redis.zrange(EDGES_KEY, '0', '-1');
      await fleet.edge(0).kill();
      await eventually(async () => (await sweptBy(fleet.apis)) === 1, 'it is swept', SWEPT_MS);
      expect(await countPresent(redis)).toBe(1);
      const left = observer.of('leave').map(({ clientId }) => clientId);
      expect(left.sort()).toEqual(rooms.map((room) => `in ${room}`).sort());
      const [edgeId] = await redis.zrange(EDGES_KEY, '0', '-1');
      expect(ids).toContain(edgeId);
      for (const room of rooms) {
        expect(Object.keys(await redis.hgetall(channelKeys(room).subscribers))).toEqual([edgeId]);
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

/** Kills the only edge, and with it more clients than a test could connect. @returns its id */
async function killWithCrowd(redis: PrivateRedis, fleet: Fleet): Promise<string> {
  const [edgeId = ''] = (await beatsOf(redis)).keys();
  await addCrowd(redis.client, edgeId, CROWD);
  await fleet.edge().kill();
  return edgeId;
}

/** Last heartbeat, unix ms, by edgeId. */
async function beatsOf({ client }: PrivateRedis): Promise<Map<string, number>> {
  const ids = (await client.zrange(EDGES_KEY, '0', '-1')).sort();
  const beats = await Promise.all(ids.map((id) => client.zscore(EDGES_KEY, id)));
  return new Map(ids.map((id, index) => [id, Number(beats[index])]));
}
