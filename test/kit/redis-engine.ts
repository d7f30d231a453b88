/** Servers for tests of faults and topologies: in containers where `npm test` has an engine for them. */

import { launchContainer } from './redis-container.js';
import { type FaultyRedis, startOwnRedis, type TestRedisOptions } from './redis.js';
import { type Launch, launchProcess } from './redis-server.js';

/** The image that `npm test` has built or was given; none: processes. */
export const REDIS_IMAGE = process.env['HALLEY_TEST_REDIS_IMAGE'] || null;

export const launchRedis: Launch =
  REDIS_IMAGE === null ? launchProcess : launchContainer(REDIS_IMAGE);

/** A Redis that can be paused, killed and brought back with or without its data, on one port. */
export function startFaultyRedis(options: TestRedisOptions = {}): Promise<FaultyRedis> {
  return startOwnRedis(launchRedis, options);
}
