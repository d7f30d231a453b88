/** The bare part of a POST: a uWS handler and one script that stores and announces. */

import uWS from 'uWebSockets.js';
import { Redis, type Result } from 'ioredis';
import { frameOf } from './frame.js';
import { liveOf, logOf } from './keys.js';
import { onPost, serve } from './server.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    append(log: string, live: string, body: string, frame: string): Result<string, Context>;
  }
}

const [redisUrl = ''] = process.argv.slice(2);
const redis = new Redis(redisUrl, { enableAutoPipelining: true });
redis.defineCommand('append', {
  numberOfKeys: 1,
  lua: `
    local id = redis.call('XADD', KEYS[1], '*', 'd', ARGV[2])
    redis.call('SPUBLISH', ARGV[1], ARGV[3])
    return id`,
});

const app = uWS.App();
onPost(app, (channel, body, answer) => {
  // A failed call leaves the process: a bench with failures has no figures.
  void redis.append(logOf(channel), liveOf(channel), body, frameOf(channel, body)).then(answer);
});
serve(app);
