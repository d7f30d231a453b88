/** Many at once: a storm of resumes reads Redis a few times, and lost scripts are nobody's business. */

import { createHash } from 'node:crypto';
import type { Position } from '@halley/shared/protocol';
import { channelKeys, clientKeys, scriptText } from '@halley/shared/redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EdgeProcess, type Fleet, startFleet } from '../kit/fleet.js';
import { openHeldLink } from '../kit/held-link.js';
import { connect, type NativeClient, open } from '../kit/native-client.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { field, RestClient } from '../kit/rest.js';
import { idsOf, numbers, OPEN, publishAll, readLog } from '../kit/streams.js';
import { within } from '../kit/wait.js';

const CLIENTS = 500;
/** Handshakes that are on their way at a time: the test's own process is the bottleneck. */
const CONNECTING = 50;
const STORM_DEADLINE_MS = 30_000;
const MAX_READS_PER_EDGE = 2;

let redis: TestRedis;
let fleet: Fleet;
let rest: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  const config = { namespaces: { storm: OPEN, deep: { ...OPEN, historySize: 10_000 } } };
  fleet = await startFleet({ redisUrl: redis.url, edges: 2, apis: 1, config });
  rest = new RestClient(fleet.api().url);
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

test('500 clients resume at once after an edge restart: at most two log reads per edge', async () => {
  const channel = 'storm:all';
  const ids = await publishAll(rest, { channel }, numbers(0, 300));
  await fleet.edge(0).kill();
  const edges = [await fleet.addEdge(), fleet.edge(1)];
  const clients = await connectMany(edges, CLIENTS);
  const log = idsOf(await readLog(redis, channel));

  await recordScripts();
  await redis.resetCommandCalls();
  const positions = clients.map((_, index) => positionAt(index, ids));
  const answers = await Promise.all(
    clients.map((client, index) => client.subscribe(channel, { after: positions[index] })),
  );
  // A read is one range of the log, and before it at most a look at the position.
  const { xrange = 0 } = await redis.commandCalls();
  expect(xrange).toBeGreaterThan(0);
  expect(xrange).toBeLessThanOrEqual(2 * MAX_READS_PER_EDGE * edges.length);
  const reads = await callsByClient('view-log', channelKeys(channel).log);
  expect(reads.size).toBe(edges.length);
  for (const count of reads.values()) expect(count).toBeLessThanOrEqual(MAX_READS_PER_EDGE);

  const next = field(await rest.publish(channel, 'next'), 'id');
  for (const [index, client] of clients.entries()) {
    const at = ids.indexOf(positions[index] ?? '');
    // The log begins behind the message whose position is the first one's `prev`.
    const isProvable = at >= ids.length - log.length - 1;
    expect(answers[index]).toMatchObject({ recovered: isProvable });
    await client.next('message', ({ id }) => id === next, STORM_DEADLINE_MS);
    const replayed = isProvable ? ids.slice(at + 1) : log;
    expect(idsOf(client.messages(channel))).toEqual([...replayed, next]);
  }
  await Promise.all(clients.map((client) => client.cut()));
});

/** Most are near the end, some far back, some beyond what the log holds, some were never given. */
function positionAt(index: number, ids: readonly Position[]): Position {
  const kind = index % 10;
  if (kind === 0) return ids[index % 150] ?? '';
  if (kind === 1) return '1600000000000-0.zzzz';
  if (kind === 2) return ids.at(-1) ?? '';
  return ids.at(-1 - (index % 90)) ?? '';
}

async function connectMany(edges: readonly EdgeProcess[], count: number): Promise<NativeClient[]> {
  const clients: NativeClient[] = [];
  for (let at = 0; at < count; at += CONNECTING) {
    const some = numbers(at, Math.min(count, at + CONNECTING)).map((index) => {
      const edge = edges[index % edges.length];
      if (edge === undefined) throw new Error('no edge');
      return connect(edge.wsUrl);
    });
    clients.push(...(await Promise.all(some)));
  }
  return clients;
}

async function recordScripts(): Promise<void> {
  await redis.client.config('SET', 'slowlog-max-len', '10000');
  await redis.client.config('SET', 'slowlog-log-slower-than', '0');
  await redis.client.call('SLOWLOG', 'RESET');
}

type SlowlogEntry = [id: number, at: number, microseconds: number, args: string[], client: string];

/** How often each connection ran a script on a key: Redis counts EVALSHA, not what it ran. */
async function callsByClient(
  script: Parameters<typeof scriptText>[0],
  key: string,
): Promise<Map<string, number>> {
  const entries = (await redis.client.call('SLOWLOG', 'GET', '-1')) as SlowlogEntry[];
  await redis.client.config('SET', 'slowlog-log-slower-than', '-1');
  const text = scriptText(script);
  const sha = createHash('sha1').update(text).digest('hex');
  const calls = new Map<string, number>();
  for (const [, , , [command = '', what = '', , ...keys], client] of entries) {
    const isIt = command.toLowerCase() === 'evalsha' ? what === sha : isCut(what, text);
    if (!/^eval(sha)?$/i.test(command) || !isIt || !keys.includes(key)) continue;
    calls.set(client, (calls.get(client) ?? 0) + 1);
  }
  return calls;
}

/** The slow log keeps the beginning of long arguments: a script that is sent in full. */
function isCut(kept: string, text: string): boolean {
  return text.startsWith(kept.replace(/\.\.\. \(\d+ more bytes\)$/, ''));
}

test('SCRIPT FLUSH in mid-flight: no error reaches a caller, nothing is lost', async () => {
  const channel = 'deep:flushed';
  const listeners = await Promise.all(fleet.edges.slice(1).map((edge) => connect(edge.wsUrl)));
  await Promise.all(listeners.map((client) => client.subscribe(channel)));
  const publisher = await connect(fleet.edge(1).wsUrl, { client: 'flusher' });

  let isPublishing = true;
  const flush = async (): Promise<number> => {
    let flushes = 0;
    for (; isPublishing; flushes += 1) await redis.client.script('FLUSH');
    return flushes;
  };
  const flushing = flush();
  const byRest = numbers(0, 8).map(async (worker) => {
    const ids: Position[] = [];
    for (let count = 0; count < 50; count += 1) {
      const answer = await rest.publish(channel, { worker, count });
      expect(answer.status, answer.text).toBe(201);
      ids.push(field(answer, 'id'));
    }
    return ids;
  });
  const bySocket = numbers(0, 50).map(async (count) => {
    return [(await publisher.publish(channel, { count })).id];
  });
  const privates = numbers(0, 50).map(async (count) => {
    const answer = await rest.publishPrivate('flusher', { count });
    expect(answer.status, answer.text).toBe(201);
    return field(answer, 'id');
  });
  const visits = numbers(0, 20).map(async (index) => {
    const visitor = await connect(fleet.edge(1).wsUrl, { client: `visitor ${index}` });
    await visitor.subscribe(channel, { last: 5 });
    await visitor.close();
  });
  const work = Promise.all([
    Promise.all([...byRest, ...bySocket]),
    Promise.all(privates),
    Promise.all(visits),
  ]);
  const [published, sent] = await work.finally(() => {
    isPublishing = false;
  });
  const accepted = published.flat();
  expect(await within(flushing, 'the flushing ends')).toBeGreaterThan(20);

  const log = idsOf(await readLog(redis, channel));
  expect([...accepted].sort()).toEqual([...log].sort());
  for (const client of listeners) {
    await client.waitForMessages(channel, log.length);
    expect(idsOf(client.messages(channel))).toEqual(log);
  }
  await publisher.waitFor(() => publisher.of('private').length >= sent.length);
  expect(idsOf(publisher.of('private')).sort()).toEqual([...sent].sort());
});

test('clients that are registered by one call are not held up by one whose queue is none', async () => {
  const [wrong, ...others] = numbers(0, 10).map((index) => `guest ${index}`) as [
    string,
    ...string[],
  ];
  await redis.client.set(clientKeys(wrong).queue, 'no stream');
  const link = await openHeldLink(redis.url);
  const { wsUrl } = await fleet.addEdge({ REDIS_URL: link.url });
  // Who comes while calls have no answer is registered together with others.
  const holding = link.holdAnswers('\n');
  const opening = [...others, wrong].map((client) => open(wsUrl, { client }));
  await holding.begun;
  const clients = await Promise.all(opening);
  link.release();

  const last = clients.pop();
  if (last === undefined) throw new Error('nobody came');
  expect(await within(last.closed, 'the one is turned away')).toMatchObject({ code: 4100 });
  for (const [index, client] of clients.entries()) {
    await client.next('welcome');
    const answer = await rest.publishPrivate(others[index] ?? '', index);
    expect(answer.body).toMatchObject({ edges: 1 });
    await client.next('private', ({ data }) => data === index);
  }
  await redis.client.del(clientKeys(wrong).queue);
  await connect(wsUrl, { client: wrong });
  await link.stop();
});
