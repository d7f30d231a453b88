/** What tests of dead edges look at. */

import { EDGES_KEY, tombstoneKey } from '@halley/shared/redis';
import type { Cluster, Redis } from 'ioredis';
import type { Service } from './fleet.js';

/** As short as it can be without taking a loaded machine's edge for a dead one. */
export const EDGE_DEAD_MS = 5_000;

/** Where Redis still names an edge, but for its tombstone and the jobs. */
export async function tracesOf(redis: Redis, edgeId: string): Promise<string[]> {
  const traces: string[] = [];
  const ids = await redis.zrange(EDGES_KEY, '0', '-1');
  if (ids.includes(edgeId)) traces.push(EDGES_KEY);
  for (const key of await redis.keys('halley:*')) {
    if (key === tombstoneKey(edgeId)) continue;
    if (key.includes(edgeId)) traces.push(key);
    else if (/\}:(?:presence|members|subscribers)/.test(key)) {
      const values = await redis.hgetall(key);
      for (const [field, value] of Object.entries(values)) {
        if (`${field} ${value}`.includes(edgeId)) traces.push(`${key} ${field} ${value}`);
      }
    }
  }
  return traces;
}

/** `buried`, `passed`, `swept`; null without a tombstone. */
export async function graveOf(redis: Redis | Cluster, edgeId: string): Promise<string | null> {
  return (await redis.get(tombstoneKey(edgeId)))?.split(' ')[2] ?? null;
}

/** Edges that these apis have swept, by their own count. */
export async function sweptBy(apis: readonly Service[]): Promise<number> {
  const pages = await Promise.all(
    apis.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()),
  );
  const counts = pages.map((page) => /^halley_edges_swept_total (\d+)$/m.exec(page)?.[1]);
  return counts.reduce((sum, count) => sum + Number(count ?? Number.NaN), 0);
}
