/** How busy and how full Redis is. */

import type { CommandClient } from '@halley/shared/redis';

export interface RedisLoad {
  readonly usedMemoryBytes: number;
  readonly operationsPerSecond: number;
  readonly connectedClients: number;
}

const FIELDS = {
  usedMemoryBytes: 'used_memory',
  operationsPerSecond: 'instantaneous_ops_per_sec',
  connectedClients: 'connected_clients',
} as const;

/** Summed over the masters of a Cluster. */
export async function readRedisLoad(redis: CommandClient): Promise<RedisLoad> {
  const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
  const infos = await Promise.all(nodes.map((node) => node.info()));
  const total = (field: string) =>
    infos.reduce(
      (all, info) => all + Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1]),
      0,
    );
  return {
    usedMemoryBytes: total(FIELDS.usedMemoryBytes),
    operationsPerSecond: total(FIELDS.operationsPerSecond),
    connectedClients: total(FIELDS.connectedClients),
  };
}
