import { createCommandClient, parseRedisUrl, slotOfPartition } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asUser, dropRule, NEEDLESS, refusals, rulesOf, userLine } from '../kit/acl.js';
import type { Fleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { type RedisCluster, startRedisCluster } from '../kit/redis-cluster.js';
import { RestClient } from '../kit/rest.js';
import { SecureFleets } from '../kit/secure-fleets.js';
import { eventually } from '../kit/wait.js';

/** Rules without which the clients of Redis find no node. */
const OF_CONNECTIONS = ['+cluster|info', '+cluster|slots'];
const CHANNELS = Array.from({ length: 60 }, (_, index) => `demo:room-${index}`);

describe('on a Redis Cluster of three masters, over TLS and as the user of docs/redis.md', () => {
  let secure: SecureFleets;
  let cluster: RedisCluster;
  let fleet: Fleet;
  let rest: RestClient;

  beforeAll(async () => {
    secure = await SecureFleets.prepare();
    cluster = await startRedisCluster({
      masters: 3,
      tls: secure.tls,
      settings: [userLine(rulesOf('cluster'))],
    });
    fleet = await secure.start({ redisUrl: asUser(cluster.url), edges: 2, apis: 1 });
    rest = new RestClient(fleet.api().url);
  }, 60_000);

  afterAll(async () => {
    await fleet?.stop();
    await cluster?.stop();
    await secure?.clear();
  });

  test('messages of channels in many slots arrive, and are resumed, on both edges', async () => {
    const client = await connect(fleet.edge(0).wsUrl);
    for (const channel of CHANNELS) await client.subscribe(channel);
    const messages = CHANNELS.map((channel, index) => ({ channel, data: index }));
    const batch = await rest.post('/messages', { messages });
    expect(batch.status).toBe(200);
    const { results } = batch.body as { results: { id: string; edges: number }[] };
    expect(results.map(({ edges }) => edges)).toEqual(CHANNELS.map(() => 1));
    for (const [index, channel] of CHANNELS.entries()) {
      const [message] = await client.waitForMessages(channel, 1);
      expect(message).toMatchObject({ id: results[index]?.id, data: index });
    }

    const second = await rest.publish('demo:room-7', 'again');
    const late = await connect(fleet.edge(1).wsUrl);
    const resumed = await late.subscribe('demo:room-7', { after: results[7]?.id });
    expect(resumed).toMatchObject({ recovered: true, replayed: 1 });
    const [replayed] = await late.waitForMessages('demo:room-7', 1);
    expect(replayed).toMatchObject({ id: (second.body as { id: string }).id, data: 'again' });
  });

  test('private messages and presence work in every slot', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `user ${index}`);
    const clients = await Promise.all(
      names.map((name, index) => connect(fleet.edge(index % 2).wsUrl, { client: name })),
    );
    for (const [index, name] of names.entries()) {
      const posted = await rest.publishPrivate(name, { to: name });
      expect(posted).toMatchObject({ status: 201, body: { edges: 1 } });
      expect(await clients[index]?.next('private')).toMatchObject({ data: { to: name } });
    }
    const online = await rest.get(`/clients?ids=${names.map(encodeURIComponent).join(',')}`);
    const body = online.body as { clients: { online: boolean }[] };
    expect(body.clients.every((client) => client.online)).toBe(true);
  });

  test('nothing that it needs was refused', async () => {
    for (const { redis } of cluster.nodes) {
      const { client } = redis;
      expect((await refusals(client)).filter((one) => !NEEDLESS.includes(one))).toEqual([]);
    }
  });

  /** @returns how to give it back */
  async function drop(rule: string): Promise<() => Promise<void>> {
    const gives = await Promise.all(
      cluster.nodes.map(({ redis: { client } }) => dropRule(client, rule)),
    );
    return async () => void (await Promise.all(gives.map((give) => give())));
  }

  async function isRefused(rule: string): Promise<boolean> {
    const lists = await Promise.all(cluster.nodes.map(({ redis: { client } }) => refusals(client)));
    return lists.flat().includes(rule.replace('+', 'command '));
  }

  test('the page has a rule for each of the three that follow, and no other', () => {
    expect(rulesOf('cluster').sort()).toEqual(
      [...OF_CONNECTIONS, '+cluster|nodes', '+asking'].sort(),
    );
  });

  test.each(OF_CONNECTIONS)('without %s no connection is ready', async (rule) => {
    const giveBack = await drop(rule);
    const redis = createCommandClient(parseRedisUrl(asUser(cluster.url), secure.tls.ca), 1_000);
    redis.on('error', () => undefined);
    const isReady = () => redis.status === 'ready';
    try {
      await eventually(() => isRefused(rule), 'the rule is missed');
      expect(isReady()).toBe(false);
    } finally {
      await giveBack();
    }
    await eventually(isReady, 'ready with it');
    redis.disconnect();
  });

  test('without +cluster|nodes a slot that begins to move is not seen, without +asking not heard', async () => {
    const [from, to] = [cluster.node(0), cluster.node(1)];
    const slot = slotOfPartition(0);
    for (const rule of ['+cluster|nodes', '+asking']) {
      const giveBack = await drop(rule);
      await cluster.beginMove(slot, to);
      await eventually(() => isRefused(rule), `${rule} is missed`);
      await giveBack();
      for (const { redis } of [from, to]) {
        await redis.client.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
      }
    }
  });
});
