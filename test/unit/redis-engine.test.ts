/** The Redis of the fault tests has the same life in a container as in a process. */

import { describe, expect, test } from 'vitest';
import { startFaultyRedis } from '../kit/redis-engine.js';
import { eventually, within } from '../kit/wait.js';

const PAUSE_SEEN_MS = 200;

describe('a Redis that a test may take away', () => {
  test('is paused, killed, and comes back on its port with or without its data', async () => {
    const redis = await startFaultyRedis({ persistent: true });
    const get = () => redis.client.get('a').catch(() => 'away');
    try {
      await redis.client.set('a', '1');
      await redis.pause();
      const held = redis.client.get('a');
      await expect(within(held, 'an answer', PAUSE_SEEN_MS)).rejects.toThrow('an answer');
      await redis.resume();
      expect(await held).toBe('1');

      await redis.kill();
      expect(redis.server.isRunning).toBe(false);
      await redis.restart();
      await eventually(async () => (await get()) === '1', 'the data again');

      // Removed while paused: neither a process nor a container may be left.
      await redis.pause();
      await redis.restart({ data: 'lost' });
      await eventually(async () => (await get()) === null, 'an empty Redis');
    } finally {
      await redis.stop();
    }
    expect(redis.server.isRunning).toBe(false);
  });
});
