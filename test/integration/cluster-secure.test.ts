import { createCommandClient, parseRedisUrl } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asUser, dropRule, NEEDLESS, refusals, rulesOf, userLine } from '../kit/acl.js';
import type { Fleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { type RedisCluster, startRedisCluster } from '../kit/redis-cluster.js';
import { RestClient } from '../kit/rest.js';
import { SecureFleets } from '../kit/secure-fleets.js';
import { eventually } from '../kit/wait.js';

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

  test.each(rulesOf('cluster'))('without %s no connection is ready', async (rule) => {
    const address = parseRedisUrl(asUser(cluster.url), secure.tls.ca);
    const restore = await Promise.all(
      cluster.nodes.map(({ redis: { client } }) => dropRule(client, rule)),
    );
    const redis = createCommandClient(address, 1_000);
    redis.on('error', () => undefined);
    const isReady = () => redis.status === 'ready';
    try {
      await expect(eventually(isReady, 'ready', 300)).rejects.toThrow('ready');
      const refused = await Promise.all(
        cluster.nodes.map(({ redis: { client } }) => refusals(client)),
      );
      expect(refused.flat()).toContain(rule.replace('+', 'command '));
      await Promise.all(restore.map((give) => give()));
      await eventually(isReady, 'ready with it');
    } finally {
      redis.disconnect();
    }
  });
});
