/** Servers for tests of faults and topologies: in containers where `npm test` has an engine for them. */

import { type FaultyRedis, startOwnRedis, type TestRedisOptions } from './redis.js';
import { launchFaulty } from './redis-launch.js';

/** A Redis that can be paused, killed and brought back with or without its data, on one port. */
export function startFaultyRedis(options: TestRedisOptions = {}): Promise<FaultyRedis> {
  return startOwnRedis(launchFaulty, options);
}
