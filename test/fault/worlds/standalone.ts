/** Two apis, three edges, and one Redis that keeps its data, behind a way that can fail. */

import { type Fleet, type FleetOptions, startFleet } from '../../kit/fleet.js';
import { startFaultyRedis } from '../../kit/redis-engine.js';
import { redisFaults } from '../faults/redis.js';
import { RedisLink } from '../redis-link.js';
import { CONFIG, readIds, type World } from '../world.js';

const APIS = 2;
const EDGES = 3;
/** An edge that is started while Redis is away serves once it is back. */
const START_DEADLINE_MS = 90_000;

export interface StandaloneOptions {
  /** Of faults that last. */
  readonly lengthMs: number;
  readonly env?: FleetOptions['env'];
}

/** One after another: on a machine that is busy, all of them at once would miss their deadline. */
export async function grow(fleet: Fleet): Promise<void> {
  try {
    while (fleet.apis.length < APIS) await fleet.addApi();
    while (fleet.edges.length < EDGES) await fleet.addEdge();
  } catch (error) {
    await fleet.stop();
    throw error;
  }
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
      env,
      config: CONFIG,
      startDeadlineMs: START_DEADLINE_MS,
    });
    await grow(fleet);
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
