/** A master, a replica and a Sentinel: failovers that lose nothing, and such that do. */

import { setTimeout as pause } from 'node:timers/promises';
import { startFleet } from '../../kit/fleet.js';
import { type RedisSentinel, startRedisSentinel } from '../../kit/redis-sentinel.js';
import { CONFIG, type Fault, readIds, type World } from '../world.js';
import { grow, type StandaloneOptions } from './standalone.js';

export async function startSentinelWorld({
  lengthMs,
  env = {},
}: StandaloneOptions): Promise<World> {
  const sentinel = await startRedisSentinel();
  try {
    const fleet = await startFleet({ redisUrl: sentinel.url, env, config: CONFIG });
    await grow(fleet);
    return {
      name: 'sentinel',
      redisUrl: sentinel.url,
      fleet,
      faults: sentinelFaults(sentinel, lengthMs),
      storedIds: async (stream) => readIds((await sentinel.master()).client, stream),
      stop: async () => {
        await fleet.stop().finally(() => sentinel.stop());
      },
    };
  } catch (error) {
    await sentinel.stop();
    throw error;
  }
}

function sentinelFaults(sentinel: RedisSentinel, lengthMs: number): Fault[] {
  const failOver = async (how: 'kill' | 'pause', lagMs: number) => {
    if (lagMs > 0) {
      await sentinel.lag();
      await pause(lagMs);
    }
    await sentinel.failOver(how);
    await sentinel.whole();
  };
  return [
    { name: 'master killed', inject: () => failOver('kill', 0) },
    { name: 'master killed, its replica lags', inject: () => failOver('kill', lengthMs) },
    { name: 'master stopped', inject: () => failOver('pause', 0) },
    { name: 'master stopped, its replica lags', inject: () => failOver('pause', lengthMs) },
  ];
}
