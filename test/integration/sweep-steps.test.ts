/** What a sweep takes out of Redis and what it leaves, step by step, without any edge. */

import { EdgeSweep } from '@halley/api/dist/jobs/edge-sweep.js';
import { tidy } from '@halley/api/dist/jobs/tidy.js';
import { loadSettings } from '@halley/shared/config';
import { clientChannel } from '@halley/shared/protocol';
import {
  buryEdge,
  type CommandClient,
  channelKeys,
  channelsKey,
  clientKeys,
  createCommandClient,
  EDGES_KEY,
  type Grave,
  heartbeatKey,
  joinedKey,
  markGrave,
  parseRedisUrl,
  partitionOfChannel,
  REVOKED_KEY,
  Scripts,
  tombstoneKey,
} from '@halley/shared/redis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addCrowd, countPresent } from '../kit/crowd.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { eventually } from '../kit/wait.js';

const SEEN_MS = 1_700_000_000_000;
const MS_PER_DAY = 86_400_000;
const { namespaces } = loadSettings({});

let server: PrivateRedis;
let redis: CommandClient;
let scripts: Scripts;

beforeAll(async () => {
  server = await startPrivateRedis();
  redis = createCommandClient(parseRedisUrl(server.url), 10_000);
  scripts = new Scripts(redis);
  await eventually(() => redis.status === 'ready', 'connected');
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => server.flush());

function graveOf(edgeId: string, seenMs = SEEN_MS): Grave {
  return { edgeId, beat: '1', seenMs, state: 'buried' };
}

function sweep(isStopped = false): EdgeSweep {
  return new EdgeSweep(redis, scripts, namespaces, () => isStopped);
}

async function setPresence(client: string, edges: string): Promise<void> {
  await redis.hset(clientKeys(client).presence, client, edges);
}

describe('one pass', () => {
  test('takes the dead edges out of every list, whole ids only, and clients that nobody holds', async () => {
    const cases: readonly [client: string, edges: string, rest: string | null][] = [
      ['a', 'dead', null],
      ['b', 'dead,live', 'live'],
      ['c', 'live,dead,other', 'live,other'],
      ['d', 'dead2,dead', null],
      ['e', 'dead-not,notdead,dea', 'dead-not,notdead,dea'],
      ['f', 'live', 'live'],
    ];
    for (const [client, edges] of cases) await setPresence(client, edges);
    await redis.zadd(clientKeys('a').lastSeen, SEEN_MS + 5, 'a');
    const counts = await sweep().pass([graveOf('dead'), graveOf('dead2', SEEN_MS + 1)]);
    expect(counts.clients).toBe(2);
    for (const [client, , rest] of cases) {
      const { presence, lastSeen } = clientKeys(client);
      expect([client, await redis.hget(presence, client)]).toEqual([client, rest]);
      // What is known better stays.
      const seen = { a: SEEN_MS + 5, d: SEEN_MS + 1 }[client] ?? null;
      const score = await redis.zscore(lastSeen, client);
      expect([client, score === null ? null : Number(score)]).toEqual([client, seen]);
    }
  });

  test('of more clients than one step takes leaves none', async () => {
    await addCrowd(server.client, 'dead', 20_000);
    const { presence } = clientKeys('big');
    const names = Array.from({ length: 3_500 }, (_, index) => `big ${index}`);
    await redis.hset(presence, ...names.flatMap((name) => [name, 'dead']));
    expect((await sweep().pass([graveOf('dead')])).clients).toBe(23_500);
    expect(await countPresent(redis)).toBe(0);
  });

  test('takes members out and says so as an edge does; the counts are right', async () => {
    const channel = 'demo:room';
    const { members, live } = channelKeys(channel);
    const joined = joinedKey(partitionOfChannel(channel), 'dead');
    const said = await listen(live);
    const odd = 'we/ird "name" \\/ ü';
    for (const [member, edge, info] of [
      ['ann', 'dead', '{"a":[1,"x y"]}'],
      [odd, 'dead', ''],
      ['both', 'dead', '1'],
      ['both', 'live', '1'],
    ] as const) {
      await set(edge, member, 1, info);
    }
    await sweep().pass([graveOf('dead')]);
    expect(await redis.hgetall(members)).toEqual({ both: 'live=1 1' });
    expect(await redis.exists(joined)).toBe(0);
    const swept = said().slice(3).sort();

    // The same by the edge's own script.
    await set('live', 'ann', 1, '{"a":[1,"x y"]}');
    await set('live', odd, 1, '');
    await set('live', 'ann', 0, '');
    await set('live', odd, 0, '');
    await eventually(() => said().length === 9, 'all are told');
    expect(swept).toEqual(said().slice(7).sort());

    async function set(edge: string, member: string, connections: number, info: string) {
      const keys = [members, joinedKey(partitionOfChannel(channel), edge)];
      const name = JSON.stringify(member);
      await scripts.run('member', keys, [channel, edge, member, connections, info, 1, live, name]);
    }
  });

  test('ends, and leaves the rest, where its api stops', async () => {
    await addCrowd(server.client, 'dead', 1_000);
    await expect(sweep(true).pass([graveOf('dead')])).rejects.toThrow('stops');
    expect(await countPresent(redis)).toBe(1_000);
  });

  test('announces those who went with the edge to whoever watches, and nobody who is back', async () => {
    for (const client of ['away', 'back']) {
      const channel = clientChannel(client);
      await setPresence(client, 'dead');
      await redis.hset(channelKeys(channel).subscribers, 'live', 1);
      await redis.zadd(channelsKey(partitionOfChannel(channel)), 0, channel);
    }
    const graves = [graveOf('dead')];
    await sweep().pass(graves);
    await setPresence('back', 'live');
    await sweep().announce(graves);
    // Once more, as after an api that died in between.
    await sweep().announce(graves);
    const away = await redis.xrange(channelKeys(clientChannel('away')).log, '-', '+');
    expect(away).toHaveLength(1);
    expect(String(away[0])).toContain(`{"lastSeen":${SEEN_MS}},"event":"offline"`);
    expect(await redis.exists(channelKeys(clientChannel('back')).log)).toBe(0);
  });

  async function listen(channel: string): Promise<() => string[]> {
    const said: string[] = [];
    const listener = server.connect();
    listener.on('smessage', (_: string, text: string) => said.push(text));
    await listener.ssubscribe(channel);
    return () => said;
  }
});

describe('a grave', () => {
  const edge = { edgeId: 'dead', beat: '1700' };

  test('is dug only for an edge that has not been heard of since, and keeps its time', async () => {
    expect(await buryEdge(redis, scripts, edge, 10)).toBeNull();
    await redis.zadd(EDGES_KEY, '1701', edge.edgeId);
    expect(await buryEdge(redis, scripts, edge, 10)).toBeNull();
    expect(await redis.exists(tombstoneKey(edge.edgeId))).toBe(0);

    await redis.zadd(EDGES_KEY, '1700', edge.edgeId);
    await redis.hset(heartbeatKey(edge.edgeId), 'edgeId', edge.edgeId);
    const grave = await buryEdge(redis, scripts, edge, 10_000);
    expect(grave).toMatchObject({ ...edge, state: 'buried' });
    expect(Math.abs((grave?.seenMs ?? 0) + 10_000 - Date.now())).toBeLessThan(5_000);
    expect(await redis.exists(heartbeatKey(edge.edgeId))).toBe(0);
    expect(await buryEdge(redis, scripts, edge, 99_000)).toEqual(grave);
  });

  test('remembers how far its sweep has come, also once the edge is not listed any more', async () => {
    await redis.zadd(EDGES_KEY, '1700', edge.edgeId);
    const grave = await buryEdge(redis, scripts, edge, 10);
    if (grave === null) throw new Error('there is a grave');
    await markGrave(scripts, grave, 'passed');
    await redis.zrem(EDGES_KEY, edge.edgeId);
    const passed = { ...grave, state: 'passed' };
    expect(await buryEdge(redis, scripts, edge, 10)).toEqual(passed);
    expect(await redis.pttl(tombstoneKey(edge.edgeId))).toBeGreaterThan(3_590_000);
  });

  test('of an earlier death says nothing about a later one', async () => {
    await redis.zadd(EDGES_KEY, '1700', edge.edgeId);
    const grave = await buryEdge(redis, scripts, edge, 10);
    if (grave === null) throw new Error('there is a grave');
    await markGrave(scripts, grave, 'swept');
    await redis.zadd(EDGES_KEY, '1800', edge.edgeId);
    const again = await buryEdge(redis, scripts, { ...edge, beat: '1800' }, 10);
    expect(again).toMatchObject({ beat: '1800', state: 'buried' });
  });
});

describe('tidying up', () => {
  test('forgets what is too old, revocations that have ended, and channels without subscribers', async () => {
    const nowMs = Date.now();
    const nowSeconds = nowMs / 1_000;
    const { lastSeen } = clientKeys('c');
    const old = Array.from({ length: 2_500 }, (_, index) => [1_000 + index, `old ${index}`]).flat();
    await redis.zadd(lastSeen, ...old, nowMs - 29 * MS_PER_DAY, 'fresh');
    await redis.zadd(REVOKED_KEY, nowSeconds - 5, 't:ended', nowSeconds + 60, 't:stands');
    const live = channelsKey(partitionOfChannel('demo:held'));
    await redis.zadd(live, 0, 'demo:held', 0, 'zz:empty');
    await redis.hset(channelKeys('demo:held').subscribers, 'live', 1);
    for (let round = 0; round < 32; round += 1) await tidy(redis, scripts, round, 30);
    expect(await redis.zrange(lastSeen, '0', '-1')).toEqual(['fresh']);
    expect(await redis.zrange(REVOKED_KEY, '0', '-1')).toEqual(['t:stands']);
    expect(await redis.zrange(live, '0', '-1')).toEqual(['demo:held']);
  });
});
