/** What the API says of live edges, and what it makes them do. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { OpenApiBook } from '../kit/openapi.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { field, type RestClient } from '../kit/rest.js';
import { eventually, within } from '../kit/wait.js';

let redis: TestRedis;
let fleet: Fleet;
let api: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  fleet = await startFleet({ redisUrl: redis.url, edges: 2 });
  api = (await OpenApiBook.of(fleet.api().url)).client(fleet.api().url);
});

afterAll(async () => {
  await api?.close();
  await fleet?.stop();
  await redis?.stop();
});

async function body<T>(path: string): Promise<T> {
  return (await api.get(path)).body as T;
}

async function tokenOf(clientId: string, claims: object = {}): Promise<string> {
  const answer = await api.post('/tokens', {
    clientId,
    subscribe: ['*'],
    presence: ['*'],
    ...claims,
  });
  return field(answer, 'token');
}

async function onEdge(index: number, clientId: string): Promise<NativeClient> {
  const client = await connect(fleet.edge(index).wsUrl, { token: await tokenOf(clientId) });
  await eventually(
    async () => (await body<{ edges: string[] }>(`/clients/${clientId}`)).edges.length > 0,
    `${clientId} is online`,
  );
  return client;
}

describe('channels', () => {
  it('are listed by name, in pages, with their subscribers', async () => {
    const names = Array.from(
      { length: 12 },
      (_, index) => `list:${String(index).padStart(2, '0')}`,
    );
    const first = await onEdge(0, 'lister');
    const second = await onEdge(1, 'lister');
    for (const name of names) await first.subscribe(name);
    await second.subscribe('list:03');
    const listed: { channel: string; subscribers: number }[] = [];
    let more = true;
    while (more) {
      const after = listed.length > 0 ? `&after=${listed.at(-1)?.channel}` : '';
      const page = await body<{ channels: typeof listed; more: boolean }>(
        `/channels?prefix=list:&limit=5${after}`,
      );
      listed.push(...page.channels);
      more = page.more;
    }
    expect(listed.map(({ channel }) => channel)).toEqual(names);
    expect(listed.map(({ subscribers }) => subscribers)).toEqual(
      names.map((name) => (name === 'list:03' ? 2 : 1)),
    );
    expect((await body<{ channels: unknown[] }>('/channels?prefix=list:1')).channels).toHaveLength(
      2,
    );
    const state = await body<{ edges: Record<string, number> }>('/channels/list:03');
    expect(state).toMatchObject({ subscribers: 2, position: null, historyLength: 0 });
    expect(Object.values(state.edges)).toEqual([1, 1]);
    await Promise.all([first.close(), second.close()]);
  });

  it('know their members', async () => {
    const names = ['Zoë', 'anna', 'bob'];
    const clients = await Promise.all(names.map((name, index) => onEdge(index % 2, name)));
    for (const client of clients) await client.subscribe('demo:room');
    const again = await onEdge(1, 'anna');
    await again.subscribe('demo:room');
    const all = await body<{ count: number; members: unknown[] }>('/channels/demo:room/members');
    expect(all).toEqual({
      count: 3,
      members: [
        { clientId: 'Zoë', connections: 1 },
        { clientId: 'anna', connections: 2 },
        { clientId: 'bob', connections: 1 },
      ],
      more: false,
    });
    const page = await body('/channels/demo:room/members?after=Zo%C3%AB&limit=1');
    expect(page).toMatchObject({ count: 3, members: [{ clientId: 'anna' }], more: true });
    expect(await body('/channels/demo:room')).toMatchObject({ members: 3 });
    await Promise.all([...clients, again].map((client) => client.close()));
  });
});

describe('a client', () => {
  it('is shown with its connections on every edge', async () => {
    const [one, two] = [await onEdge(0, 'Ä, b'), await onEdge(1, 'Ä, b')];
    await one.subscribe('demo:where');
    const state = await body<{ connections: { edgeId: string; connectionId: string }[] }>(
      `/clients/${encodeURIComponent('Ä, b')}`,
    );
    const welcomes = [await one.welcomed(), await two.welcomed()];
    expect(state).toMatchObject({ online: true, unreachable: [] });
    expect(
      state.connections.map(({ edgeId, connectionId }) => [edgeId, connectionId]).sort(),
    ).toEqual(welcomes.map(({ edgeId, connectionId }) => [edgeId, connectionId]).sort());
    expect(JSON.stringify(state)).toContain('"channel":"demo:where"');
    const bulk = await body(
      `/clients?ids=${encodeURIComponent('Ä, b')},nobody,${encodeURIComponent('Ä, b')}`,
    );
    expect(bulk).toMatchObject({
      clients: [
        { clientId: 'Ä, b', online: true },
        { clientId: 'nobody', online: false, lastSeen: null },
        { clientId: 'Ä, b', online: true },
      ],
    });
    await Promise.all([one.close(), two.close()]);
  });

  it('gets private messages on all its edges, which the answer counts', async () => {
    const [one, two] = [await onEdge(0, 'pri'), await onEdge(1, 'pri')];
    expect((await api.publishPrivate('pri', { n: 1 })).body).toMatchObject({ edges: 2 });
    expect((await one.next('private')).data).toEqual({ n: 1 });
    expect((await two.next('private')).data).toEqual({ n: 1 });
    await Promise.all([one.close(), two.close()]);
  });

  it('is disconnected with the code that was asked for', async () => {
    const [one, two] = [await onEdge(0, 'cut'), await onEdge(1, 'cut')];
    expect((await api.post('/clients/cut/disconnect', { code: 4_117 })).body).toEqual({ edges: 2 });
    for (const client of [one, two]) {
      expect((await within(client.closed, 'the cut')).code).toBe(4_117);
    }
    const refused = await api.post('/clients/cut/disconnect', { code: 1_000 });
    expect([refused.status, refused.text.includes('"field":"code"')]).toEqual([422, true]);
    const gone = await eventually(async () => {
      const state = await body<{ online: boolean; lastSeen: number | null }>('/clients/cut');
      return state.online ? null : state;
    }, 'the client is offline');
    expect(gone.lastSeen).toBeGreaterThan(Date.now() - 60_000);
    expect((await api.call('POST', '/clients/cut/disconnect')).body).toEqual({ edges: 0 });
  });

  it('whose tokens are revoked is cut off and stays out', async () => {
    const token = await tokenOf('rev');
    const client = await connect(fleet.edge(0).wsUrl, { token });
    expect((await api.call('POST', '/clients/rev/revoke')).status).toBe(200);
    expect((await within(client.closed, 'the cut')).code).toBe(4_302);
    await Promise.all(
      [0, 1].map(async (index) => {
        const again = connect(fleet.edge(index).wsUrl, { token });
        await expect(again).rejects.toThrow('4302');
      }),
    );
  });

  it('whose older tokens are revoked keeps the connection of a newer one', async () => {
    const client = await onEdge(0, 'newer');
    const issuedBefore = Math.floor(Date.now() / 1_000) - 3_600;
    const answer = await api.post('/clients/newer/revoke', { issuedBefore });
    expect(answer.body).toEqual({ issuedBefore, edges: 0 });
    expect((await client.request({ type: 'subscribe', channel: 'demo:a' })).type).toBe(
      'subscribed',
    );
    await client.close();
  });
});

describe('a token', () => {
  it('that is revoked ends its connection', async () => {
    const signed = await api.post('/tokens', { clientId: 'tok', ttlSeconds: 60 });
    const client = await connect(fleet.edge(1).wsUrl, { token: field(signed, 'token') });
    expect((await api.delete(`/tokens/${field(signed, 'jti')}`)).status).toBe(200);
    expect((await within(client.closed, 'the cut')).code).toBe(4_302);
  });

  it.each([
    [{}, 'clientId', 'missing-field'],
    [{ clientId: 'a\u0000' }, 'clientId', 'bad-field'],
    [{ clientId: 'a', ttlSeconds: 0 }, 'ttlSeconds', 'bad-field'],
    [{ clientId: 'a', ttlSeconds: 86_401 }, 'ttlSeconds', 'bad-field'],
    [{ clientId: 'a', subscribe: 'x' }, 'subscribe', 'bad-field'],
    [{ clientId: 'a', subscribe: ['x', 5] }, 'subscribe.1', 'bad-field'],
    [{ clientId: 'a', publish: ['é'.repeat(101)] }, 'publish.0', 'bad-field'],
    [{ clientId: 'a', presence: Array(65).fill('x') }, 'presence', 'bad-field'],
    [{ clientId: 'a', subscribe: Array(64).fill('x'.repeat(200)) }, 'subscribe', 'bad-field'],
    [{ clientId: 'a', info: 'x'.repeat(1_023) }, 'info', 'bad-field'],
    [{ clientId: 'a', channel: 'a b' }, 'channel', 'bad-field'],
  ])('of %j is refused for %s', async (request, at, code) => {
    const answer = await api.post('/tokens', request);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ field: at, code });
  });
});

describe('a member', () => {
  it('that is kicked loses its subscription; banned, it stays out', async () => {
    const client = await onEdge(0, 'kick');
    await client.subscribe('demo:kick');
    expect((await api.delete('/channels/demo:kick/members/kick')).body).toEqual({ edges: 2 });
    expect(await client.next('unsubscribed')).toMatchObject({
      channel: 'demo:kick',
      code: 'kicked',
    });
    await client.subscribe('demo:kick');
    const seen = client.of('unsubscribed').length;
    expect((await api.delete('/channels/demo:kick/members/kick', { seconds: 60 })).status).toBe(
      200,
    );
    await eventually(() => client.of('unsubscribed').length > seen, 'the second kick');
    expect(await client.request({ type: 'subscribe', channel: 'demo:kick' })).toMatchObject({
      type: 'error',
      code: 'banned',
    });
    await client.close();
  });
});

describe('the fleet', () => {
  it('is listed with its load, and summed up', async () => {
    const client = await onEdge(0, 'load');
    const edges = await eventually(async () => {
      const list = await body<{ edges: { edgeId: string; connections: Record<string, number> }[] }>(
        '/edges',
      );
      const open = list.edges.flatMap(({ connections }) => Object.values(connections));
      return list.edges.length === 2 && open.some((count) => count > 0) ? list.edges : null;
    }, 'two heartbeats, one of them with a connection');
    expect(edges.map(({ edgeId }) => edgeId)).toContain((await client.welcomed()).edgeId);
    const stats = await body<{ redis: { usedMemoryBytes: number } }>('/stats');
    expect(stats).toMatchObject({ edges: 2, draining: 0 });
    expect(stats.redis.usedMemoryBytes).toBeGreaterThan(0);
    await client.close();
  });

  it('shows why an edge refused somebody', async () => {
    await expect(connect(fleet.edge(0).wsUrl, { token: 'x.y.z' })).rejects.toThrow('4301');
    const { edges } = await body<{ edges: { edgeId: string }[] }>('/edges');
    const logs = await Promise.all(
      edges.map(({ edgeId }) => body<{ events: { code: string }[] }>(`/edges/${edgeId}/events`)),
    );
    expect(logs.flatMap(({ events }) => events).map(({ code }) => code)).toContain('bad-token');
  });

  it('says which edge did not answer', async () => {
    const client = await onEdge(1, 'paused');
    const { edgeId } = await client.welcomed();
    fleet.edge(1).pause();
    try {
      const state = await body('/clients/paused');
      expect(state).toMatchObject({ online: true, connections: [], unreachable: [edgeId] });
      const events = await api.get(`/edges/${edgeId}/events`);
      expect([events.status, events.text.includes('in time')]).toEqual([503, true]);
    } finally {
      fleet.edge(1).resume();
    }
    await client.close();
  });
});
