/** The bare part of a POST: a uWS handler and one script that stores and announces; of a GET: one command. */

import uWS from 'uWebSockets.js';
import { Redis, type Result } from 'ioredis';
import { frameOf } from './frame.js';
import { readPage } from './history.js';
import { liveOf, logOf } from './keys.js';
import { onGet, onPost, serve } from './server.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    append(keyCount: number, ...keysAndArgs: string[]): Result<string[], Context>;
  }
}

interface Posted {
  readonly channel: string;
  readonly body: string;
  answer(id: string): void;
}

const [redisUrl = ''] = process.argv.slice(2);
const redis = new Redis(redisUrl);
redis.defineCommand('append', {
  lua: `
    local ids = {}
    for i = 1, #KEYS do
      ids[i] = redis.call('XADD', KEYS[i], '*', 'd', ARGV[3 * i - 1])
      redis.call('SPUBLISH', ARGV[3 * i - 2], ARGV[3 * i])
    end
    return ids`,
});

let waiting: Posted[] = [];

/** One call for all that one turn brought: a call each is half as fast, and ours joins them too. */
async function flush(): Promise<void> {
  const posted = waiting;
  waiting = [];
  const keys = posted.map(({ channel }) => logOf(channel));
  const args = posted.flatMap(({ channel, body }) => [
    liveOf(channel),
    body,
    frameOf(channel, body),
  ]);
  const ids = await redis.append(keys.length, ...keys, ...args);
  for (const [index, one] of posted.entries()) one.answer(ids[index] ?? '');
}

const app = uWS.App();
onPost(app, (channel, body, answer) => {
  // A failed call leaves the process: a bench with failures has no figures.
  if (waiting.length === 0) setImmediate(() => void flush());
  waiting.push({ channel, body, answer });
});
const reading = new Redis(redisUrl, { enableAutoPipelining: true });
onGet(app, async (channel, limit) => `{${await readPage(reading, channel, limit)}`);
serve(app);
