/** Who is online and where, as Redis has it and as the API tells it. */

import { clientKeys, EDGES_KEY, HEARTBEAT_TTL_MS, heartbeatKey } from '@halley/shared/redis';
import { describe, expect, test } from 'vitest';
import { connect, type NativeClient } from '../kit/native-client.js';
import { edgeIdOf, idOfEdge, idsOfEdges, listed, presenceOf, stateOf } from '../kit/presence.js';
import { field } from '../kit/rest.js';
import { numbers } from '../kit/streams.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

describe('the presence of clients, and the heartbeat of edges', () => {
  const stack = useFleet({ edges: 2 });

  test('presence lists each of its edges once, and goes with its last connection', async () => {
    const first = await connect(stack.ws(0), { client: 'ann' });
    const second = await connect(stack.ws(0), { client: 'ann' });
    const [here, there] = [await edgeIdOf(first), await idOfEdge(stack, 1)];
    expect(await presenceOf(stack, 'ann')).toEqual([here]);
    const third = await connect(stack.ws(1), { client: 'ann' });
    expect(await presenceOf(stack, 'ann')).toEqual([here, there].sort());

    await first.close();
    await passed(0);
    expect(await presenceOf(stack, 'ann')).toEqual([here, there].sort());
    await second.close();
    await passed(0);
    expect(await presenceOf(stack, 'ann')).toEqual([there]);
    const { lastSeen } = clientKeys('ann');
    expect(await stack.redis.client.zscore(lastSeen, 'ann')).toBeNull();

    const leftAt = Date.now();
    await third.cut();
    await eventually(async () => (await presenceOf(stack, 'ann')).length === 0, 'ann is offline');
    expect(await stack.redis.client.hexists(clientKeys('ann').presence, 'ann')).toBe(0);
    const seen = Number(await stack.redis.client.zscore(lastSeen, 'ann'));
    expect(seen).toBeGreaterThanOrEqual(leftAt - 1);
    expect(seen).toBeLessThanOrEqual(Date.now());
  });

  test('presence is there when the welcome is, and a nameless connection has none', async () => {
    const { client: redis } = stack.redis;
    const nameless = await connect(stack.ws());
    const { connectionId } = await nameless.welcomed();
    for (const count of numbers(0, 20)) {
      const name = `quick ${count}`;
      const client = await connect(stack.ws(count % 2), { client: name });
      expect(await presenceOf(stack, name)).toEqual([await edgeIdOf(client)]);
    }
    const { presence } = clientKeys(connectionId);
    expect(await redis.hexists(presence, connectionId)).toBe(0);
  });

  test.each([
    'Ann Lee',
    ' spaces  around ',
    'Lee, Ann',
    ',',
    '50%',
    '%2C',
    '"quoted" \'twice\' \\',
    '<b>&amp;</b>',
    'a/b?c=d&e#f',
    'a+b',
    '{12}:*[^a]%d',
    '__proto__',
    'Zo\u00eb',
    'Zoe\u0308',
    '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
    '\u05e9\u05dc\u05d5\u05dd \u4f60\u597d',
    '\u2028\ufeff',
    'x'.repeat(200),
    '\u{1f600}'.repeat(50),
  ])('presence holds for the name %j', async (name) => {
    const here = await connect(stack.ws(0), { client: name });
    const there = await connect(stack.ws(1), { token: tokenFor(name) });
    const edges = [await edgeIdOf(here), await edgeIdOf(there)].sort();
    expect(await presenceOf(stack, name)).toEqual(edges);
    const other = `-${[...name].slice(1).join('')}`;
    expect(await listed(stack, [name, other])).toEqual([
      { clientId: name, online: true, lastSeen: null },
      { clientId: other, online: false, lastSeen: null },
    ]);
    const state = await stateOf(stack, name);
    expect(state).toMatchObject({ clientId: name, online: true, unreachable: [] });
    expect(state.connections.map(({ edgeId }) => edgeId).sort()).toEqual(edges);
    const posted = await stack.rest.publishPrivate(name, { to: name });
    expect(posted).toMatchObject({ status: 201, body: { edges: 2 } });
    for (const client of [here, there]) {
      expect((await client.next('private')).data).toEqual({ to: name });
    }
    await Promise.all([here.close(), there.close()]);
    const left = await eventually(async () => {
      const [one] = (await listed(stack, [name])) ?? [];
      return one?.online === false && one;
    }, 'it is offline');
    expect(left).toEqual({ clientId: name, online: false, lastSeen: expect.any(Number) });
  });

  test('presence is told for many clients at once, in the order of the question', async () => {
    const names = numbers(0, 40).map((index) => `many ${index}`);
    const clients = await Promise.all(
      names.map((client, index) => connect(stack.ws(index % 2), { client })),
    );
    const odd = clients.filter((_, index) => index % 2 === 1);
    await Promise.all(odd.map((client) => client.close()));
    await passed(1);
    const asked = [...names].reverse().flatMap((name) => [name, `no ${name}`]);
    const told = (await listed(stack, asked)) ?? [];
    expect(told.map(({ clientId }) => clientId)).toEqual(asked);
    for (const { clientId, online, lastSeen } of told) {
      const index = names.indexOf(clientId);
      expect([clientId, online]).toEqual([clientId, index % 2 === 0]);
      expect([clientId, lastSeen]).toEqual([clientId, index % 2 === 1 ? expect.any(Number) : null]);
    }
  });

  test('GET /clients/:id shows the connections of both edges, with what each holds and was acknowledged', async () => {
    const openedAt = Date.now();
    const here = await connect(stack.ws(0), { client: 'bob' });
    const there = await connect(stack.ws(1), { client: 'bob' });
    const again = await connect(stack.ws(1), { client: 'bob' });
    const [quiet, busy] = [channelIn('demo'), channelIn('demo')];
    const subscribed = await here.subscribe(quiet);
    for (const client of [here, there]) await client.subscribe(busy);
    const busyId = field(await stack.rest.publish(busy, 1), 'id');
    const sent = [1, 2].map((data) => stack.rest.publishPrivate('bob', data));
    const [ackedId, lastId] = (await Promise.all(sent)).map((one) => field(one, 'id')).sort();
    for (const client of [here, there]) {
      await client.waitForMessages(busy, 1);
      await client.next('private', ({ id }) => id === lastId);
    }
    here.send({ type: 'ack', id: ackedId });
    // Frames of a connection are carried out in order: this one after the acknowledgement.
    await here.ask({ type: 'history', channel: busy }, 'history');

    const { connections, ...state } = await stateOf(stack, 'bob');
    const [hereId, thereId] = [await edgeIdOf(here), await edgeIdOf(there)];
    expect(state).toEqual({
      clientId: 'bob',
      online: true,
      lastSeen: null,
      edges: expect.toSatisfy(isAnyOrderOf([hereId, thereId])),
      unreachable: [],
    });
    const shown = (edgeId: string, connectionId: string, channels: object[], lastAck: unknown) => ({
      edgeId,
      connectionId,
      wire: 'websocket',
      since: expect.toSatisfy((since) => since >= openedAt && since <= Date.now()),
      address: '127.0.0.1',
      channels,
      bytesWaiting: 0,
      lastAck,
    });
    const held = { channel: busy, position: busyId };
    const idOf = async (client: NativeClient) => (await client.welcomed()).connectionId;
    const expected = [
      shown(
        hereId,
        await idOf(here),
        [{ channel: quiet, position: subscribed.position }, held],
        ackedId,
      ),
      shown(thereId, await idOf(there), [held], null),
      shown(thereId, await idOf(again), [], null),
    ];
    expect(connections).toHaveLength(expected.length);
    expect(connections).toEqual(expect.arrayContaining(expected));
  });

  test('presence that an edge does not know of is taken out at the first private message', async () => {
    const { presence } = clientKeys('ghost');
    const edgeId = await idOfEdge(stack, 0);
    await stack.redis.client.hset(presence, 'ghost', edgeId);
    expect(await listed(stack, ['ghost'])).toMatchObject([{ online: true }]);
    const posted = await stack.rest.publishPrivate('ghost', 1);
    expect(posted).toMatchObject({ status: 201, body: { edges: 1 } });
    await eventually(async () => (await presenceOf(stack, 'ghost')).length === 0, 'it is gone');
    expect((await stack.rest.publishPrivate('ghost', 2)).body).toMatchObject({ edges: 0 });
  });

  test('the heartbeat says what the edge holds, lives 10 s, and is what GET /edges tells', async () => {
    const { client: redis } = stack.redis;
    const edge = await stack.fleet.addEdge();
    const named = await connect(edge.wsUrl, { client: 'carl' });
    await connect(edge.wsUrl);
    await named.subscribe(channelIn('demo'));
    const edgeId = await edgeIdOf(named);
    const key = heartbeatKey(edgeId);
    await eventually(
      async () => (await redis.hget(key, 'connections')) === '{"websocket":2}',
      'a heartbeat with both connections',
    );
    const hash = await redis.hgetall(key);
    const { url, adminUrl, wsUrl } = edge;
    const counted = /^\d+$/;
    const measured = /^\d+(?:\.\d+)?$/;
    expect(hash).toEqual({
      edgeId,
      url: wsUrl,
      adminUrl,
      startedAt: expect.stringMatching(counted),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      draining: 'false',
      overloaded: 'false',
      connections: '{"websocket":2}',
      channels: '1',
      deliveredPerSecond: expect.stringMatching(measured),
      bytesPerSecond: expect.stringMatching(measured),
      backpressureBytes: '0',
      loopDelayP99Ms: expect.stringMatching(measured),
      rssBytes: expect.stringMatching(counted),
      cpu: expect.stringMatching(measured),
    });
    expect(url).not.toBe(adminUrl);
    expect(Number(hash['startedAt'])).toBeLessThan(Date.now());
    expect(Number(hash['rssBytes'])).toBeGreaterThan(1_000_000);
    const ttlMs = await redis.pttl(key);
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(HEARTBEAT_TTL_MS);

    const { body } = await stack.rest.get('/edges');
    const { edges } = body as { readonly edges: readonly { readonly edgeId: string }[] };
    expect(edges.find((one) => one.edgeId === edgeId)).toMatchObject({
      url: wsUrl,
      adminUrl,
      startedAt: Number(hash['startedAt']),
      version: hash['version'],
      draining: false,
      overloaded: false,
      connections: { websocket: 2 },
      channels: 1,
      rssBytes: expect.any(Number),
    });
    const others = [await idOfEdge(stack, 0), await idOfEdge(stack, 1)];
    expect((await idsOfEdges(stack)).sort()).toEqual([edgeId, ...others].sort());
    await edge.terminate();
  });

  test('the heartbeat goes on, and is gone 10 s after the edge was killed', async () => {
    const { client: redis } = stack.redis;
    const edge = await stack.fleet.addEdge();
    const client = await connect(edge.wsUrl, { client: 'dora' });
    const edgeId = await edgeIdOf(client);
    const first = Number(await redis.zscore(EDGES_KEY, edgeId));
    await eventually(
      async () => Number(await redis.zscore(EDGES_KEY, edgeId)) > first,
      'a further heartbeat',
    );
    await edge.kill();
    await eventually(
      async () => !(await idsOfEdges(stack)).includes(edgeId),
      'the dead edge is not listed',
      5 * HEARTBEAT_TTL_MS,
    );
    expect(await redis.exists(heartbeatKey(edgeId))).toBe(0);
    expect(await stateOf(stack, 'dora')).toMatchObject({ connections: [], unreachable: [edgeId] });
  }, 70_000);

  /**
   * A client that came and went after somebody else left, at the same edge: the calls to Redis of an
   * edge keep their order.
   */
  async function passed(edge: number): Promise<void> {
    const name = channelIn('passing');
    const client = await connect(stack.ws(edge), { client: name });
    await client.close();
    await eventually(
      async () => (await presenceOf(stack, name)).length === 0,
      `${name} came and went`,
    );
  }
});

function isAnyOrderOf(expected: readonly string[]) {
  return (actual: readonly string[]) =>
    actual.length === expected.length && expected.every((one) => actual.includes(one));
}
