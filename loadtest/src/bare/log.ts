/** The bare part of storing: one script that appends to logs and announces. */

import { Redis, type Result } from 'ioredis';
import { liveOf, logOf } from './keys.js';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    append(keyCount: number, ...keysAndArgs: string[]): Result<string[], Context>;
  }
}

const SCRIPT = `
  local ids = {}
  for i = 1, #KEYS do
    ids[i] = redis.call('XADD', KEYS[i], '*', 'd', ARGV[3 * i - 1])
    redis.call('SPUBLISH', ARGV[3 * i - 2], ARGV[3 * i])
  end
  return ids`;

export interface Entry {
  readonly topic: string;
  readonly body: string;
  readonly frame: string;
}

/** @returns one call of the script for all entries, which answers with their ids */
export function openLog(redisUrl: string): (entries: readonly Entry[]) => Promise<string[]> {
  const redis = new Redis(redisUrl);
  redis.defineCommand('append', { lua: SCRIPT });
  return (entries) => {
    const keys = entries.map(({ topic }) => logOf(topic));
    const args = entries.flatMap(({ topic, body, frame }) => [liveOf(topic), body, frame]);
    return redis.append(keys.length, ...keys, ...args);
  };
}
