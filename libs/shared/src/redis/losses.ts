import type { Cluster, Redis } from 'ioredis';

const losses = new WeakMap<Redis | Cluster, number>();

/**
 * Connections to nodes of a Cluster that stood and were lost. A call that failed for want of a connection
 * while none was lost has not been sent; ioredis says the same of both.
 */
export function lossesOf(redis: Redis | Cluster): number {
  return losses.get(redis) ?? 0;
}

export function countLoss(redis: Redis | Cluster): void {
  losses.set(redis, lossesOf(redis) + 1);
}
