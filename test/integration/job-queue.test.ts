/** Jobs that any of several apis may do. */

import { JobQueue } from '@halley/api/dist/jobs/job-queue.js';
import { createLogger } from '@halley/shared/ops';
import { parseRedisUrl } from '@halley/shared/redis';
import { afterEach, describe, expect, test } from 'vitest';
import { startPrivateRedis } from '../kit/redis.js';
import { startRedisSentinel } from '../kit/redis-sentinel.js';
import { eventually } from '../kit/wait.js';

const QUEUES = 3;
const STOP_DEADLINE_MS = 2_000;

interface Work {
  readonly name: string;
  readonly data: number;
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function queueAt(url: string, work: (done: Work) => void): JobQueue<number> {
  const queue = new JobQueue<number>({
    name: 'tests',
    address: parseRedisUrl(url),
    log: createLogger({ level: 'fatal', name: 'test' }),
    work: async (name, data) => work({ name, data }),
  });
  ends.push(() => queue.stop());
  return queue;
}

async function standalone(): Promise<string> {
  const redis = await startPrivateRedis();
  ends.push(() => redis.stop());
  return redis.url;
}

async function sentinel(): Promise<string> {
  const redis = await startRedisSentinel();
  ends.push(() => redis.stop());
  return redis.url;
}

describe.each([
  ['one Redis', standalone],
  ['Sentinel', sentinel],
])('with %s', (_, start) => {
  test('a job that several add is done once, one that fails again, and later ones later', async () => {
    const url = await start();
    const done: Work[] = [];
    const queues = Array.from({ length: QUEUES }, () =>
      queueAt(url, (work) => {
        done.push(work);
        if (work.name === 'hard' && done.filter(({ name }) => name === 'hard').length < 2) {
          throw new Error('at the first try');
        }
      }),
    );
    await Promise.all(
      queues.map((queue) =>
        queue.add([
          { name: 'late', id: 'late-1', data: 3, delayMs: 1_000 },
          { name: 'easy', id: 'easy-1', data: 1 },
          { name: 'hard', id: 'hard-1', data: 2 },
        ]),
      ),
    );
    await eventually(() => done.length === 4, 'all is done');
    await queues[0]?.add([{ name: 'easy', id: 'easy-1', data: 1 }]);
    await queues[0]?.add([{ name: 'last', id: 'last-1', data: 4 }]);
    await eventually(() => done.some(({ name }) => name === 'last'), 'the last is done');
    const names = done.map(({ name }) => name);
    expect(names.sort()).toEqual(['easy', 'hard', 'hard', 'last', 'late']);
    expect(done.find(({ name }) => name === 'late')).toEqual({ name: 'late', data: 3 });
  });
});

test('one that was never used stops at once; nothing was opened', async () => {
  const queue = queueAt('redis://127.0.0.1:1', () => undefined);
  await queue.stop();
});

test('a stop does not wait for a Redis that is away', async () => {
  const redis = await startPrivateRedis();
  ends.push(() => redis.stop());
  const queue = queueAt(redis.url, () => undefined);
  await queue.add([{ name: 'easy', id: 'easy-1', data: 1 }]);
  await redis.kill();
  const startedMs = performance.now();
  await queue.stop();
  expect(performance.now() - startedMs).toBeLessThan(5 * STOP_DEADLINE_MS);
});
