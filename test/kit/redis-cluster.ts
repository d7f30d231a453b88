/** A Redis Cluster of masters, each a server of its own. */

import { randomBytes } from 'node:crypto';
import { freePort } from './ports.js';
import type { FaultyRedis, TestRedisOptions } from './redis.js';
import { startFaultyRedis } from './redis-engine.js';
import { eventually } from './wait.js';

const SLOTS = 16_384;

export interface RedisCluster {
  readonly nodes: readonly FaultyRedis[];
  /** Comma list, as REDIS_URL takes it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts `masters` empty masters that share the slots evenly. @param options of each node */
export async function startRedisCluster(
  masters: number,
  options: TestRedisOptions = {},
): Promise<RedisCluster> {
  const busPorts = await Promise.all(Array.from({ length: masters }, () => freePort()));
  const password = randomBytes(16).toString('hex');
  const nodes = await Promise.all(
    busPorts.map((port) =>
      startFaultyRedis({ ...options, password, settings: nodeLines(port, options) }),
    ),
  );
  try {
    const [first, ...others] = nodes;
    if (first === undefined) throw new RangeError('a cluster needs a master');
    await Promise.all(
      nodes.map(({ client }, index) =>
        client.call(
          'CLUSTER',
          'ADDSLOTSRANGE',
          Math.floor((SLOTS * index) / masters),
          Math.floor((SLOTS * (index + 1)) / masters) - 1,
        ),
      ),
    );
    for (const [index, { url }] of others.entries()) {
      const busPort = String(busPorts[index + 1]);
      await first.client.call('CLUSTER', 'MEET', '127.0.0.1', new URL(url).port, busPort);
    }
    for (const { client } of nodes) {
      await eventually(
        async () => {
          const info = String(await client.call('CLUSTER', 'INFO'));
          return info.includes('cluster_state:ok') && info.includes(`known_nodes:${masters}`);
        },
        'the cluster is whole',
        30_000,
      );
    }
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()));
    throw error;
  }
  return {
    nodes,
    url: nodes.map(({ url }) => url).join(','),
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}

function nodeLines(busPort: number, { tls, settings = [] }: TestRedisOptions): string[] {
  const lines = ['cluster-enabled yes', `cluster-port ${busPort}`, ...settings];
  return tls === undefined ? lines : [...lines, 'tls-cluster yes'];
}
