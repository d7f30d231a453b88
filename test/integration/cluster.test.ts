/** A Redis Cluster; its slots move and its masters change under load: nothing is lost, all in order. */

import {
  createCommandClient,
  edgeChannel,
  parseRedisUrl,
  probeKey,
  refusalOf,
  slotOfPartition,
  whenReady,
} from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type EdgeProcess, type Fleet, startFleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { describeLoad, NumberedLoad, nameIn } from '../kit/numbered-load.js';
import { type RedisCluster, startRedisCluster } from '../kit/redis-cluster.js';
import { counterOf, OPEN, ready } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';

const CONFIG = { namespaces: { room: { ...OPEN, members: true, historySize: 5_000 } } };
/** Partitions of the first master: two that move, one that stays. */
const MOVING = [3, 40];
const STAYING = 77;
const FIRST_MOVED = 20;
const ELSEWHERE = 200;
const ACCEPTED_THERE = 20;
/** The edges look every 2 s. */
const DELIVERED_MS = 5 * 2_000;
const NOTHING_WRONG = { unknown: 0, lost: 0, doubled: 0, outOfOrder: 0, gaps: 0, rolledBack: 0 };

describe('on a Redis Cluster of 3 masters, 3 replicas and a new node', () => {
  let cluster: RedisCluster;
  let fleet: Fleet;
  let load: NumberedLoad;
  let tries = 0;

  beforeAll(async () => {
    cluster = await startRedisCluster({ masters: 3, replicas: 3, spares: 1 });
    fleet = await startFleet({ redisUrl: cluster.url, edges: 2, apis: 1, config: CONFIG });
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
    await cluster?.stop();
  });

  /** @param tag for names of its own: a client's queue and a message's key outlive a test */
  async function startLoad(tag: string, partitions: readonly number[]): Promise<void> {
    await Promise.all(fleet.edges.map(ready));
    load = new NumberedLoad({
      apiUrl: fleet.api().url,
      edges: fleet.edges,
      channels: partitions.map((partition) => nameIn(partition, `room:${tag}`)),
      clients: partitions.map((partition) => nameIn(partition, `client-${tag}`)),
    });
    onTestFinished(() => load.close());
    await load.start();
    await load.flowing();
  }

  test('a slot moves onto a new node: what is published meanwhile is delivered before that ends', async () => {
    await startLoad('a', [...MOVING, STAYING]);
    const target = cluster.node(3);
    // The clients of Redis keep no connection to a node without slots: to its first one they only come
    // when it has it.
    await cluster.moveSlot(slotOfPartition(FIRST_MOVED), target);
    await cluster.agreed(slotOfPartition(FIRST_MOVED), target);
    for (const partition of MOVING) {
      const slot = slotOfPartition(partition);
      const from = await cluster.beginMove(slot, target);
      await cluster.moveKeys(slot, from, target);
      const channel = nameIn(partition, 'room:a');
      const before = load.acceptedOf(channel);
      const isAccepted = () => load.acceptedOf(channel) >= before + ACCEPTED_THERE;
      await eventually(isAccepted, 'publishes go on');
      await eventually(
        () => load.deliveredOf(channel) >= before + ACCEPTED_THERE,
        'what the new node took is delivered',
        DELIVERED_MS,
      );
      await cluster.moveKeys(slot, from, target);
      await cluster.endMove(slot, from, target);
    }
    await load.flowing();
    const figures = await load.finish((stream) => cluster.storedIds(stream));
    process.stdout.write(describeLoad('slots moved', figures));
    expect(figures).toMatchObject(NOTHING_WRONG);
  });

  test('a master hands over to its replica: its connections stay open, and deaf', async () => {
    await startLoad('b', [STAYING, ELSEWHERE]);
    const losses = await counterOf(fleet.edge(), 'halley_log_rollbacks_total');
    await cluster.failover(await cluster.ownerOf(slotOfPartition(STAYING)));
    await load.flowing();
    const figures = await load.finish((stream) => cluster.storedIds(stream));
    process.stdout.write(describeLoad('failover by command', figures));
    expect(figures).toMatchObject(NOTHING_WRONG);
    expect(await counterOf(fleet.edge(), 'halley_log_rollbacks_total')).toBe(losses);
  });

  test('a call that was sent and not answered is not sent again', async () => {
    const { redis: node } = await cluster.ownerOf(slotOfPartition(STAYING));
    const redis = createCommandClient(parseRedisUrl(cluster.url), 5_000);
    onTestFinished(() => redis.disconnect());
    await whenReady(redis);
    await node.resetCommandCalls();
    const call = redis
      .blpop(probeKey(edgeChannel(STAYING, 'none')), 0)
      .catch((error: unknown) => error);
    const isWaiting = async () => (await node.client.info('clients')).includes('blocked_clients:1');
    await eventually(isWaiting, 'the call waits');
    await node.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    expect(refusalOf(await call).code).toBe('outcome-unknown');
    expect((await node.commandCalls())['blpop']).toBe(1);
    for (const edge of fleet.edges) await eventually(() => isTaking(edge), 'the edge is back');
  });

  /** The calls of an edge reach the node whose connections were ended. */
  async function isTaking(edge: EdgeProcess): Promise<boolean> {
    tries += 1;
    const client = await connect(edge.wsUrl);
    const channel = nameIn(STAYING, `room:try${tries}`);
    const { type } = await client.request({ type: 'subscribe', channel });
    await client.close();
    return type === 'subscribed';
  }

  test('a master is killed: every publish is answered, and service comes back', async () => {
    await startLoad('c', [STAYING, ELSEWHERE]);
    const victim = await cluster.ownerOf(slotOfPartition(ELSEWHERE));
    const killedAt = performance.now();
    await victim.redis.kill();
    await load.flowing(30_000);
    const awayMs = Math.round(performance.now() - killedAt);
    const figures = await load.finish((stream) => cluster.storedIds(stream));
    process.stdout.write(describeLoad(`master killed, back after ${awayMs} ms`, figures));
    expect(figures).toMatchObject({ lost: 0, doubled: 0, outOfOrder: 0 });
  });
});
