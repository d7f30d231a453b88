/** A Redis Cluster, each node a server of its own; slots move and masters change as tests ask. */

import { randomBytes } from 'node:crypto';
import type { Position } from '@halley/shared/protocol';
import { channelKeys, clientKeys, slotOfKey } from '@halley/shared/redis';
import { freePort } from './ports.js';
import type { FaultyRedis, ServerTls } from './redis.js';
import { startFaultyRedis } from './redis-engine.js';
import { eventually, within } from './wait.js';

const SLOTS = 16_384;
const START_ATTEMPTS = 3;
const WHOLE_DEADLINE_MS = 30_000;
const NODES_FILE = 'nodes.conf';
const SETTINGS = [
  'cluster-enabled yes',
  'cluster-node-timeout 1500',
  'cluster-replica-validity-factor 0',
  'repl-diskless-sync-delay 0',
  'repl-ping-replica-period 1',
];

export interface ClusterOptions {
  readonly masters: number;
  /** Default 0; each follows the master of the same index. */
  readonly replicas?: number;
  /** Masters without slots, for others to move onto. Default 0. */
  readonly spares?: number;
  /** Keeps an append-only file. */
  readonly persistent?: boolean;
  /** TLS only, among the nodes too. */
  readonly tls?: ServerTls;
  /** Further lines of each node's configuration. */
  readonly settings?: readonly string[];
}

interface Plan {
  readonly id: string;
  readonly port: number;
  readonly busPort: number;
  /** As `nodes.conf` has them. */
  readonly slots: string;
  readonly masterId: string | null;
}

export interface ClusterNode {
  readonly id: string;
  readonly redis: FaultyRedis;
}

export class RedisCluster {
  readonly nodes: readonly ClusterNode[];
  readonly #password: string;

  constructor(nodes: readonly ClusterNode[], password: string) {
    this.nodes = nodes;
    this.#password = password;
  }

  /** Comma list, as REDIS_URL takes it. */
  get url(): string {
    return this.nodes.map(({ redis }) => redis.url).join(',');
  }

  node(index: number): ClusterNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`the cluster has no node ${index}`);
    return node;
  }

  /** The node that runs, is a master, and has the slot by its own word. */
  async ownerOf(slot: number): Promise<ClusterNode> {
    const claims = await Promise.all(
      this.#running().map(async (node) => {
        const line = await ownLine(node);
        return line.slots.some(([first, last]) => slot >= first && slot <= last)
          ? [{ node, line }]
          : [];
      }),
    );
    const [best] = claims.flat().sort((a, b) => b.line.epoch - a.line.epoch);
    if (best === undefined) throw new Error(`nobody has slot ${slot}`);
    return best.node;
  }

  /** The nodes that run and are masters, those with the fewest ranges of slots first. */
  async masters(): Promise<ClusterNode[]> {
    const lines = await Promise.all(
      this.#running().map(async (node) => ({ node, line: await ownLine(node) })),
    );
    return lines
      .filter(({ line }) => line.masterId === null)
      .sort((a, b) => a.line.slots.length - b.line.slots.length)
      .map(({ node }) => node);
  }

  /** A replica that follows a node and runs. */
  async replicaOf({ id }: ClusterNode): Promise<ClusterNode | null> {
    for (const node of this.#running()) {
      if ((await ownLine(node)).masterId === id) return node;
    }
    return null;
  }

  /** Opens a slot for moving: from now on new keys are asked for at `to`. */
  async beginMove(slot: number, to: ClusterNode): Promise<ClusterNode> {
    const from = await this.ownerOf(slot);
    await to.redis.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await from.redis.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    return from;
  }

  /** Moves the keys that a slot has, a few at a time. @returns how many it moved */
  async moveKeys(slot: number, from: ClusterNode, to: ClusterNode): Promise<number> {
    const { port } = new URL(to.redis.url);
    for (let moved = 0; ; ) {
      const keys = await from.redis.client.call('CLUSTER', 'GETKEYSINSLOT', slot, 10);
      if (!Array.isArray(keys) || keys.length === 0) return moved;
      const auth = ['AUTH', this.#password];
      const names = keys.map(String);
      await from.redis.client.call(
        'MIGRATE',
        '127.0.0.1',
        port,
        '',
        0,
        5_000,
        ...auth,
        'KEYS',
        ...names,
      );
      moved += names.length;
    }
  }

  /** All masters are told, as an operator's tool does. */
  async endMove(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
    const others = this.#running().filter((node) => node !== to && node !== from);
    for (const node of [to, from, ...others]) {
      const isReplica = (await ownLine(node)).masterId !== null;
      if (!isReplica) await node.redis.client.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    }
  }

  /** Every node that runs knows who has the slot. */
  async agreed(slot: number, owner: ClusterNode): Promise<void> {
    for (const { redis } of this.#running()) {
      await eventually(async () => {
        const ranges = (await redis.client.call('CLUSTER', 'SLOTS')) as SlotsReply;
        return ranges.some(
          ([first, last, [, , id]]) => slot >= first && slot <= last && id === owner.id,
        );
      }, 'the nodes agree on the slot');
    }
  }

  /** As an operator's tool does it. @param meanwhile while all keys have moved and the slot has not */
  async moveSlot(slot: number, to: ClusterNode, meanwhile?: () => Promise<void>): Promise<void> {
    const from = await this.beginMove(slot, to);
    await this.moveKeys(slot, from, to);
    await meanwhile?.();
    // What was created meanwhile.
    await this.moveKeys(slot, from, to);
    await this.endMove(slot, from, to);
  }

  /** A replica takes over in agreement with its master, whose connections stay open. */
  async failover(master: ClusterNode): Promise<ClusterNode> {
    return this.replaced(master, async (replica) => {
      await replica.redis.client.call('CLUSTER', 'FAILOVER');
    });
  }

  /** Does what costs a master its place; resolves when its replica has that. */
  async replaced(
    master: ClusterNode,
    byWhat: (replica: ClusterNode) => Promise<void>,
  ): Promise<ClusterNode> {
    const replica = await this.replicaOf(master);
    if (replica === null) throw new Error(`no replica follows ${master.id}`);
    await byWhat(replica);
    await eventually(
      async () => (await ownLine(replica)).masterId === null,
      'the replica takes over',
      WHOLE_DEADLINE_MS,
    );
    return replica;
  }

  /** Resolves when a node that was replaced follows somebody. */
  async follows(node: ClusterNode): Promise<void> {
    await eventually(
      async () => (await ownLine(node)).masterId !== null,
      'the old master follows',
      WHOLE_DEADLINE_MS,
    );
  }

  /** Ids that the log of a channel holds now, or, of `@` and a client, its queue. */
  async storedIds(stream: string): Promise<Set<Position>> {
    const key = stream.startsWith('@')
      ? clientKeys(stream.slice(1)).queue
      : channelKeys(stream).log;
    const { redis } = await this.ownerOf(slotOfKey(key));
    const entries = await redis.client.xrange(key, '-', '+');
    return new Set(entries.map(([id, [, stored = '']]) => `${id}.${stored.split(' ', 2)[1]}`));
  }

  /** All nodes that run agree that every slot is served, and replicas follow. */
  async whole(): Promise<void> {
    await Promise.all(
      this.#running().map((node) =>
        eventually(() => isWhole(node), 'the cluster is whole', WHOLE_DEADLINE_MS),
      ),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ redis }) => redis.stop()));
  }

  #running(): readonly ClusterNode[] {
    return this.nodes.filter(({ redis }) => redis.server.isRunning);
  }
}

type SlotsReply = readonly [number, number, [string, number, string]][];

interface OwnLine {
  readonly masterId: string | null;
  readonly epoch: number;
  readonly slots: readonly (readonly [number, number])[];
}

async function ownLine({ redis }: ClusterNode): Promise<OwnLine> {
  const text = String(await within(redis.client.call('CLUSTER', 'NODES'), 'CLUSTER NODES'));
  const line = text.split('\n').find((one) => one.includes('myself')) ?? '';
  const [, , , master = '-', , , epoch = '0', , ...slots] = line.split(' ');
  return {
    masterId: master === '-' ? null : master,
    epoch: Number(epoch),
    slots: slots.flatMap((slot) => {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(slot) ?? [];
      return first === undefined ? [] : [[Number(first), Number(last)] as const];
    }),
  };
}

async function isWhole({ redis }: ClusterNode): Promise<boolean> {
  const info = String(await redis.client.call('CLUSTER', 'INFO'));
  if (!info.includes('cluster_state:ok')) return false;
  const replication = await redis.client.info('replication');
  return !replication.includes('master_link_status:down');
}

/** Starts a cluster whose masters share the slots evenly. */
export async function startRedisCluster(options: ClusterOptions): Promise<RedisCluster> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startNodes(options);
    } catch (error) {
      // A port may have been lost to somebody else.
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function startNodes(options: ClusterOptions): Promise<RedisCluster> {
  const plans = await planNodes(options);
  const password = randomBytes(16).toString('hex');
  const { tls, persistent = false } = options;
  const starts = await Promise.allSettled(
    plans.map(async (plan): Promise<ClusterNode> => {
      const redis = await startFaultyRedis({
        password,
        port: plan.port,
        persistent,
        ...(tls !== undefined && { tls }),
        // They know each other from the start: nothing has to be introduced and agreed upon.
        files: { [NODES_FILE]: nodesFile(plans, plan) },
        settings: [
          ...SETTINGS,
          `cluster-port ${plan.busPort}`,
          `cluster-config-file ${NODES_FILE}`,
          `masterauth ${password}`,
          ...(tls === undefined ? [] : ['tls-cluster yes', 'tls-replication yes']),
          ...(options.settings ?? []),
        ],
      });
      return { id: plan.id, redis };
    }),
  );
  const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const cluster = new RedisCluster(nodes, password);
  try {
    const failed = starts.find((start) => start.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    await cluster.whole();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function planNodes({ masters, replicas = 0, spares = 0 }: ClusterOptions): Promise<Plan[]> {
  const plans: Plan[] = [];
  for (let index = 0; index < masters + spares + replicas; index += 1) {
    const isMaster = index < masters + spares;
    const first = Math.floor((SLOTS * index) / masters);
    const last = Math.floor((SLOTS * (index + 1)) / masters) - 1;
    plans.push({
      id: randomBytes(20).toString('hex'),
      port: await freePort(),
      busPort: await freePort(),
      slots: index < masters ? `${first}-${last}` : '',
      masterId: isMaster ? null : (plans[index - masters - spares]?.id ?? null),
    });
  }
  return plans;
}

function nodesFile(plans: readonly Plan[], own: Plan): string {
  const lines = plans.map((plan, index) => {
    const { id, port, busPort, slots, masterId } = plan;
    const flags = `${plan === own ? 'myself,' : ''}${masterId === null ? 'master' : 'slave'}`;
    const epoch = masterId === null ? index + 1 : 0;
    return `${id} 127.0.0.1:${port}@${busPort} ${flags} ${masterId ?? '-'} 0 0 ${epoch} connected ${slots}`.trimEnd();
  });
  return [...lines, `vars currentEpoch ${plans.length} lastVoteEpoch 0`, ''].join('\n');
}
