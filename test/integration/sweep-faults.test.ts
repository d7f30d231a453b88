/** Dead edges while Redis or an api fails, too. Each test has a fleet of its own; they wait side by side. */

import { EDGES_KEY, PARTITION_COUNT, presenceKey } from '@halley/shared/redis';
import { type Cluster, Redis } from 'ioredis';
import { describe, onTestFinished, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { startRedisCluster } from '../kit/redis-cluster.js';
import { EDGE_DEAD_MS, graveOf, sweptBy } from '../kit/sweeps.js';
import { eventually } from '../kit/wait.js';

const TEST_DEADLINE_MS = 120_000;
/** Of the whole way: silence, a lock that runs out, the sweep and its second pass; five times over. */
const SWEPT_MS = 90_000;
/** Enough that one pass takes long enough to be hit. */
const CROWD = 100_000;

describe.concurrent('dead edges', () => {
  test(
    'none is found in a Redis that was paused for longer than an edge may be silent',
    async ({ expect }) => {
      const { redis, fleet } = await start({ edges: 2, apis: 1 });
      const before = await beatsOf(redis.client);
      redis.server.pause();
      const pausedAtMs = Date.now();
      await eventually(() => Date.now() - pausedAtMs > EDGE_DEAD_MS + 1_500, 'the pause is over');
      redis.server.resume();
      const resumedAtMs = Date.now();
      // For as long as it would take to find an edge dead that has not been heard of since.
      await eventually(
        async () => {
          const beats = [...(await beatsOf(redis.client)).values()];
          return beats.every((beatMs) => beatMs > resumedAtMs + EDGE_DEAD_MS + 1_000);
        },
        'heartbeats go on',
        SWEPT_MS,
      );
      expect([...(await beatsOf(redis.client)).keys()]).toEqual([...before.keys()]);
      expect(await redis.client.keys('halley:edge:*:dead')).toEqual([]);
      expect(await sweptBy(fleet.apis)).toBe(0);
    },
    TEST_DEADLINE_MS,
  );

  test(
    'are swept to the end by another api where the one that was at it died',
    async ({ expect }) => {
      const { redis, fleet } = await start({ edges: 1, apis: 1 });
      const edgeId = await killWithCrowd(redis, fleet);
      await eventually(() => graveOf(redis.client, edgeId), 'the sweep has begun', SWEPT_MS);
      await fleet.api().kill();
      expect(await graveOf(redis.client, edgeId)).not.toBe('swept');
      const other = await fleet.addApi();
      await eventually(async () => (await sweptBy([other])) === 1, 'it is swept', SWEPT_MS);
      expect(await clientsOf(redis.client, edgeId)).toBe(0);
    },
    TEST_DEADLINE_MS,
  );

  test(
    'are swept to the end where Redis ran out of memory in between',
    async ({ expect }) => {
      const { redis, fleet } = await start({ edges: 1, apis: 1 });
      const edgeId = await killWithCrowd(redis, fleet);
      await eventually(() => graveOf(redis.client, edgeId), 'the sweep has begun', SWEPT_MS);
      await redis.client.config('SET', 'maxmemory', '1mb');
      await fleet.api().printed(/a job failed and is tried again|OOM/, SWEPT_MS).catch(() => 0);
      expect(await graveOf(redis.client, edgeId)).not.toBe('swept');
      await redis.client.config('SET', 'maxmemory', '0');
      await eventually(async () => (await sweptBy(fleet.apis)) === 1, 'it is swept', SWEPT_MS);
      expect(await clientsOf(redis.client, edgeId)).toBe(0);
    },
    TEST_DEADLINE_MS,
  );

  test(
    'are swept in a Cluster of three masters',
    async ({ expect }) => {
      const cluster = await startRedisCluster(3);
      onTestFinished(() => cluster.stop());
      const fleet = await startFleet({ redisUrl: cluster.url, edges: 2, apis: 2, env: ENV });
      onTestFinished(() => fleet.stop());
    },
    TEST_DEADLINE_MS,
  );
});
