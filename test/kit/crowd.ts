/** Clients that exist in Redis only: as many as a test could not connect. */

import { clientKeys, groupBy, PARTITION_COUNT, presenceKey } from '@halley/shared/redis';
import type { Cluster, Redis } from 'ioredis';

/** Registers `count` clients as held by an edge. */
export async function addCrowd(redis: Redis, edgeId: string, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `crowd ${index}`);
  const byKey = groupBy(names, (name) => clientKeys(name).presence);
  await Promise.all(
    [...byKey].map(([key, some]) => redis.hset(key, ...some.flatMap((name) => [name, edgeId]))),
  );
}

/** Clients that Redis has as present, wherever. */
export async function countPresent(redis: Redis | Cluster): Promise<number> {
  const partitions = Array.from({ length: PARTITION_COUNT }, (_, index) => presenceKey(index));
  const counts = await Promise.all(partitions.map((key) => redis.hlen(key)));
  return counts.reduce((sum, count) => sum + count, 0);
}
