/** Dead edges at the sizes and times of production. */

import { EdgeSweep } from '@halley/api/dist/jobs/edge-sweep.js';
import { loadSettings } from '@halley/shared/config';
import { createCommandClient, EDGES_KEY, parseRedisUrl, Scripts } from '@halley/shared/redis';
import type { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { addCrowd, countPresent } from '../kit/crowd.js';
import { startFleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { numberFrom } from '../kit/random.js';
import { startPrivateRedis } from '../kit/redis.js';
import { RestClient } from '../kit/rest.js';
import { sweptBy } from '../kit/sweeps.js';
import { eventually } from '../kit/wait.js';

const CLIENTS = numberFrom('SWEEP_CLIENTS', 100_000);
const PAUSE_MS = 20_000;
const DEFAULT_DEAD_MS = 10_000;
/** Stated. */
const TRUTH_MS = 15_000;

/** CPU time of a Redis so far. */
async function cpuMsOf(client: Redis): Promise<number> {
  const info = await client.info('cpu');
  const seconds = [...info.matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)].map(([, text]) => text);
  return seconds.reduce((sum, text) => sum + 1_000 * Number(text), 0);
}

describe('dead edges', () => {
  test('one pass over many clients', async () => {
    const server = await startPrivateRedis();
    onTestFinished(() => server.stop());
    const redis = createCommandClient(parseRedisUrl(server.url), 10_000);
    onTestFinished(() => redis.disconnect());
    await eventually(() => redis.status === 'ready', 'connected');
    await addCrowd(server.client, 'dead', CLIENTS);
    await server.client.config('SET', 'slowlog-log-slower-than', '200');
    await server.client.config('SET', 'slowlog-max-len', '100000');
    await server.client.slowlog('RESET');
    const { namespaces } = loadSettings({});
    const sweep = new EdgeSweep(redis, new Scripts(redis), namespaces, () => false);
    const redisCpuBeforeMs = await cpuMsOf(server.client);
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const grave = { edgeId: 'dead', beat: '1', seenMs: Date.now(), state: 'buried' } as const;
    const counts = await sweep.pass([grave]);
    const ms = Math.round(performance.now() - startedMs);
    const { user, system } = process.cpuUsage(cpuBefore);
    const redisCpuMs = Math.round((await cpuMsOf(server.client)) - redisCpuBeforeMs);
    const calls = (await server.client.slowlog('GET', '100000')) as [number, number, number][];
    const longestUs = Math.max(0, ...calls.map(([, , us]) => us));
    process.stdout.write(
      `one pass over ${CLIENTS} clients of a dead edge: ${ms} ms (Redis ${redisCpuMs} ms of CPU, the api ${Math.round((user + system) / 1_000)}), longest call ${longestUs / 1_000} ms\n`,
    );
    expect(counts.clients).toBe(CLIENTS);
    expect(await countPresent(redis)).toBe(0);
  }, 120_000);

  test('time to presence truth after a SIGKILL, with the defaults', async () => {
    const server = await startPrivateRedis();
    onTestFinished(() => server.stop());
    const fleet = await startFleet({ redisUrl: server.url, edges: 2, apis: 2 });
    onTestFinished(() => fleet.stop());
    const rest = new RestClient(fleet.api().url);
    onTestFinished(() => rest.close());
    await connect(fleet.edge(0).wsUrl, { client: 'gone' });
    const killedAtMs = performance.now();
    await fleet.edge(0).kill();
    await eventually(
      async () => (await rest.get('/clients/gone')).text.includes('"online":false'),
      'the client is known to be gone',
      5 * TRUTH_MS,
    );
    const truthMs = Math.round(performance.now() - killedAtMs);
    process.stdout.write(`time to presence truth: ${truthMs} ms (stated: ${TRUTH_MS} ms)\n`);
    await eventually(async () => (await sweptBy(fleet.apis)) === 1, 'swept once', 5 * TRUTH_MS);
  }, 180_000);

  test('a Redis that stood still for 20 s buries nobody', async () => {
    const server = await startPrivateRedis();
    onTestFinished(() => server.stop());
    const fleet = await startFleet({ redisUrl: server.url, edges: 3, apis: 2 });
    onTestFinished(() => fleet.stop());
    const before = (await server.client.zrange(EDGES_KEY, '0', '-1')).sort();
    const pausedAtMs = Date.now();
    server.server.pause();
    await eventually(() => Date.now() - pausedAtMs > PAUSE_MS, 'the pause is over', 2 * PAUSE_MS);
    server.server.resume();
    const watchedMs = Date.now() + DEFAULT_DEAD_MS + 2_000;
    await eventually(
      async () => {
        const flat = await server.client.zrange(EDGES_KEY, '0', '-1', 'WITHSCORES');
        const scores = flat.flat().filter((_, index) => index % 2 === 1);
        return scores.every((score) => Number(score) > watchedMs);
      },
      'heartbeats go on',
      5 * TRUTH_MS,
    );
    expect((await server.client.zrange(EDGES_KEY, '0', '-1')).sort()).toEqual(before);
    expect(await server.client.keys('halley:edge:*:dead')).toEqual([]);
    expect(await sweptBy(fleet.apis)).toBe(0);
  }, 180_000);
});
