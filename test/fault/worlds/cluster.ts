/** A Redis Cluster of 3 masters, 3 replicas and a node without slots, whose slots and masters change. */

import { setTimeout as pause } from 'node:timers/promises';
import { channelKeys, clientKeys, slotOfKey } from '@halley/shared/redis';
import { startFleet } from '../../kit/fleet.js';
import type { Random } from '../../kit/random.js';
import { type ClusterNode, type RedisCluster, startRedisCluster } from '../../kit/redis-cluster.js';
import { BUSY, NAMED, ROOM } from '../crew.js';
import { clientOfQueue, queueOf, type Stream } from '../history.js';
import { CONFIG, type Fault, readIds, type World } from '../world.js';
import { grow, type StandaloneOptions } from './standalone.js';

const STREAMS: readonly Stream[] = [...BUSY, ROOM, ...NAMED.map(queueOf)];

export async function startClusterWorld({ lengthMs, env = {} }: StandaloneOptions): Promise<World> {
  const cluster = await startRedisCluster({
    masters: 3,
    replicas: 3,
    spares: 1,
    persistent: true,
  });
  try {
    const fleet = await startFleet({ redisUrl: cluster.url, env, config: CONFIG });
    await grow(fleet);
    return {
      name: 'cluster',
      redisUrl: cluster.url,
      fleet,
      faults: clusterFaults(cluster, lengthMs),
      storedIds: async (stream) =>
        readIds((await cluster.ownerOf(slotOf(stream))).redis.client, stream),
      stop: async () => {
        await fleet.stop().finally(() => cluster.stop());
      },
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function clusterFaults(cluster: RedisCluster, lengthMs: number): Fault[] {
  const busyOwner = (random: Random) => cluster.ownerOf(slotOf(random.pick(STREAMS)));
  return [
    fault('slots moved', async (random) => {
      for (const slot of new Set([0, 1, 2].map(() => slotOf(random.pick(STREAMS))))) {
        const owner = await cluster.ownerOf(slot);
        const others = (await cluster.masters()).filter((node) => node !== owner);
        await cluster.moveSlot(slot, random.pick(others), () => pause(lengthMs / 3));
      }
    }),
    fault('slots moved away at once', async (random) => {
      const owner = await busyOwner(random);
      const [emptiest] = await cluster.masters();
      for (const slot of new Set(STREAMS.map(slotOf))) {
        if (emptiest === undefined || emptiest === owner) return;
        if ((await cluster.ownerOf(slot)) === owner) await cluster.moveSlot(slot, emptiest);
      }
    }),
    fault('failover by command', async (random) => {
      await cluster.failover(await withReplica(cluster, await busyOwner(random)));
      await cluster.whole();
    }),
    fault('master killed', async (random) => {
      const victim = await withReplica(cluster, await busyOwner(random));
      await cluster.replaced(victim, () => victim.redis.kill());
      await victim.redis.restart();
      await cluster.follows(victim);
      await cluster.whole();
    }),
    fault('master stopped', async (random) => {
      const victim = await withReplica(cluster, await busyOwner(random));
      await cluster.replaced(victim, () => victim.redis.pause());
      await pause(lengthMs);
      await victim.redis.resume();
      await cluster.follows(victim);
      await cluster.whole();
    }),
    fault('all nodes restarted', async () => {
      await Promise.all(cluster.nodes.map(({ redis }) => redis.restart()));
      await cluster.whole();
    }),
  ];
}

/** The node, or, where nobody follows it, a master that somebody follows. */
async function withReplica(cluster: RedisCluster, node: ClusterNode): Promise<ClusterNode> {
  for (const one of [node, ...(await cluster.masters())]) {
    if ((await cluster.replicaOf(one)) !== null) return one;
  }
  throw new Error('no master has a replica');
}

function slotOf(stream: Stream): number {
  const clientId = clientOfQueue(stream);
  return slotOfKey(clientId === null ? channelKeys(stream).log : clientKeys(clientId).queue);
}

function fault(name: string, inject: (random: Random) => Promise<void>): Fault {
  return { name, inject: (_world, random) => inject(random) };
}
