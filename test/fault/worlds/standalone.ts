/** Two apis, three edges, and one Redis that keeps its data, behind a way that can fail. */

import { type FleetOptions, startFleet } from '../../kit/fleet.js';
import { startFaultyRedis } from '../../kit/redis-engine.js';
import { redisFaults } from '../faults/redis.js';
import { RedisLink } from '../redis-link.js';
import { CONFIG, readIds, type World } from '../world.js';

export interface StandaloneOptions {
  /** Of faults that last. */
  readonly lengthMs: number;
  readonly env?: FleetOptions['env'];
}

export async function startStandalone({ lengthMs, env = {} }: StandaloneOptions): Promise<World> {
  const redis = await startFaultyRedis({ persistent: true });
  const link = await RedisLink.open(redis.url);
  const stopRedis = async () => {
    await link.stop();
    await redis.stop();
  };
  try {
    const fleet = await startFleet({
      redisUrl: link.url,
      apis: 2,
      edges: 3,
      env,
      config: CONFIG,
    });
    return {
      name: 'standalone',
      redisUrl: redis.url,
      fleet,
      faults: redisFaults({ redis, link, lengthMs }),
      storedIds: (stream) => readIds(redis.client, stream),
      stop: async () => {
        await fleet.stop().finally(stopRedis);
      },
    };
  } catch (error) {
    await stopRedis();
    throw error;
  }
}
