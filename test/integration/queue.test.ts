/** Private messages: to every connection of a client, and from its queue when there is none. */

import type { Position } from '@halley/shared/protocol';
import { clientKeys, edgeChannel, partitionOfClient } from '@halley/shared/redis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type EdgeProcess, type Fleet, startFleet } from '../kit/fleet.js';
import { connect, type NativeClient, type OpenOptions } from '../kit/native-client.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { field, RestClient } from '../kit/rest.js';
import { idsOf, numbers, publishAll, ready, whileDeaf } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';

/** Short, so that a test can wait until a message is too old. */
const QUEUE_SECONDS = 3;
const QUEUE_MAX_MESSAGES = 100;
const FUTURE: Position = '9999999999999-0.zzzz';

let redis: TestRedis;
let fleet: Fleet;
let rest: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  const config = { queueSeconds: QUEUE_SECONDS, queueMaxMessages: QUEUE_MAX_MESSAGES };
  fleet = await startFleet({ redisUrl: redis.url, edges: 2, apis: 1, config });
  rest = new RestClient(fleet.api().url);
});

beforeEach(async () => {
  await Promise.all(fleet.edges.slice(0, 2).map(ready));
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

async function send(client: string, count: number): Promise<Position[]> {
  return publishAll(rest, { client }, numbers(0, count));
}

function privateIds(client: NativeClient): Position[] {
  return idsOf(client.of('private'));
}

async function received(client: NativeClient, count: number): Promise<Position[]> {
  await client.waitFor(
    () => client.of('private').length >= count,
    undefined,
    0,
    () => `${count} private messages, has ${client.of('private').length}`,
  );
  return privateIds(client);
}

/** A connection with its welcome, and with all of the queue that the welcome promises. */
async function arrive(edge: EdgeProcess, options: OpenOptions) {
  const client = await connect(edge.wsUrl, options);
  const { queue } = await client.welcomed();
  const ids = await received(client, queue?.replayed ?? 0);
  return { client, queue, ids };
}

async function acknowledge(client: NativeClient, name: string, id: Position): Promise<void> {
  client.send({ type: 'ack', id });
  const { acked } = clientKeys(name);
  await eventually(async () => (await redis.client.get(acked)) === id, `${id} is acknowledged`);
}

test('a client connected twice, on two edges: both get it, in order, and REST says so', async () => {
  const both = await Promise.all(
    fleet.edges.map((edge) => connect(edge.wsUrl, { client: 'twice' })),
  );
  const answer = await rest.publishPrivate('twice', { n: 0 }, { event: 'first' });
  expect(answer).toMatchObject({ status: 201, body: { edges: 2 } });
  const ids = [field(answer, 'id'), ...(await send('twice', 20))];
  for (const client of both) {
    expect(await received(client, ids.length)).toEqual(ids);
    expect(client.of('private')[0]).toEqual({
      type: 'private',
      id: ids[0],
      data: { n: 0 },
      event: 'first',
    });
  }
});

test('a client that is not there gets it when it comes, without a word about recovery', async () => {
  const answer = await rest.publishPrivate('later', 'hello');
  expect(answer).toMatchObject({ status: 201, body: { edges: 0 } });
  const id = field(answer, 'id');
  const { queue, client } = await arrive(fleet.edge(0), { client: 'later' });
  expect(queue).toEqual({ position: id, replayed: 1 });
  expect(client.frames.map(({ type }) => type)).toEqual(['welcome', 'private']);
});

describe('queueAfter', () => {
  test('gives what follows the position, and says that this is all', async () => {
    const ids = await send('after', 5);
    for (const edge of fleet.edges) {
      const { queue, ids: given } = await arrive(edge, {
        client: 'after',
        queueAfter: ids[1] ?? '',
      });
      expect(queue).toEqual({ position: ids[4], recovered: true, replayed: 3 });
      expect(given).toEqual(ids.slice(2));
    }
  });

  test('at the top: nothing missed', async () => {
    const [id = ''] = await send('top', 1);
    const { queue } = await arrive(fleet.edge(0), { client: 'top', queueAfter: id });
    expect(queue).toEqual({ position: id, recovered: true });
  });

  test('before the first message: nothing missed', async () => {
    const { queue, client } = await arrive(fleet.edge(0), { client: 'empty' });
    expect(queue).toEqual({ position: expect.stringMatching(/^0-\d+$/) });
    await client.cut();
    const ids = await send('empty', 2);
    const back = await arrive(fleet.edge(1), {
      client: 'empty',
      queueAfter: queue?.position ?? '',
    });
    expect(back.queue).toEqual({ position: ids[1], recovered: true, replayed: 2 });
  });

  test('of a message that the queue does not have: everything, and no promise', async () => {
    const ids = await send('unknown', 3);
    const { queue, ids: given } = await arrive(fleet.edge(0), {
      client: 'unknown',
      queueAfter: FUTURE,
    });
    expect(queue).toEqual({ position: ids[2], recovered: false, replayed: 3 });
    expect(given).toEqual(ids);
  });
});

describe('the age of the queue', () => {
  test('past it nothing is given, and whoever has a position is told', async () => {
    const [seen = '', missed = ''] = await send('aged', 2);
    await eventually(
      async () => (await redisNowMs()) - Number(missed.split('-')[0]) > QUEUE_SECONDS * 1_000,
      'the message is too old',
    );
    const nameless = await arrive(fleet.edge(0), { client: 'aged' });
    expect(nameless.queue).toEqual({ position: missed });
    const behind = await arrive(fleet.edge(0), { client: 'aged', queueAfter: seen });
    expect(behind.queue).toEqual({ position: missed, recovered: false });
    const atTop = await arrive(fleet.edge(0), { client: 'aged', queueAfter: missed });
    expect(atTop.queue).toEqual({ position: missed, recovered: true });
  });

  test('is 60 s by default: of two that waited, the one within it is given', async () => {
    const plain = await startFleet({ redisUrl: redis.url, edges: 1, apis: 0 });
    try {
      const now = await redisNowMs();
      const old = await storeAt('waited', now - 61_000, '0-0');
      const young = await storeAt('waited', now - 30_000, old);
      const { queue, ids } = await arrive(plain.edge(), { client: 'waited' });
      expect(ids).toEqual([young]);
      expect(queue).toEqual({ position: young, replayed: 1 });
    } finally {
      await plain.stop();
    }
  });
});

async function redisNowMs(): Promise<number> {
  const [seconds, microseconds] = await redis.client.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}

/** An entry as it was written at that time. */
async function storeAt(client: string, atMs: number, prev: Position): Promise<Position> {
  const { queue, queueTop } = clientKeys(client);
  await redis.client.xadd(queue, `${atMs}-0`, 'd', `${prev} aaaa "data":1`);
  await redis.client.set(queueTop, `${atMs}-0.aaaa`);
  return `${atMs}-0.aaaa`;
}

describe('ack', () => {
  test('is cumulative: a connection without a position gets what nobody has acknowledged', async () => {
    const first = await connect(fleet.edge(0).wsUrl, { client: 'acks' });
    const ids = await send('acks', 6);
    await received(first, 6);
    await acknowledge(first, 'acks', ids[3] ?? '');
    first.send({ type: 'ack', id: ids[1] });
    for (const edge of fleet.edges) {
      const { queue, ids: given } = await arrive(edge, { client: 'acks' });
      expect(queue).toEqual({ position: ids[5], replayed: 2 });
      expect(given).toEqual(ids.slice(4));
    }
    const exchange = await rest.get('/clients/acks/queue');
    expect(exchange.body).toMatchObject({ acked: ids[3] });
    // What was acknowledged is still there for a connection that shows how far it came.
    const behind = await arrive(fleet.edge(1), { client: 'acks', queueAfter: ids[0] ?? '' });
    expect(behind.ids).toEqual(ids.slice(1));
    expect(first.of('error')).toEqual([]);
  });

  test('of a position that was never given is refused', async () => {
    const client = await connect(fleet.edge(0).wsUrl, { client: 'liar' });
    client.send({ type: 'ack', id: FUTURE });
    expect(await client.next('error')).toMatchObject({ code: 'bad-position', field: 'id' });
    const nobody = await connect(fleet.edge(0).wsUrl);
    nobody.send({ type: 'ack', id: FUTURE });
    expect(await nobody.next('error')).toMatchObject({ code: 'bad-position' });
    const [id] = await send('liar', 1);
    expect((await arrive(fleet.edge(1), { client: 'liar' })).ids).toEqual([id]);
  });

  test('above the top of a queue that was lost counts as none', async () => {
    const { acked } = clientKeys('lost');
    await redis.client.set(acked, FUTURE);
    const ids = await send('lost', 2);
    const { client, ids: given } = await arrive(fleet.edge(0), { client: 'lost' });
    expect(given).toEqual(ids);
    await acknowledge(client, 'lost', ids[0] ?? '');
  });
});

test('a full queue: 429 with Retry-After, nothing stored, and free again after an ack', async () => {
  const ids = await send('full', QUEUE_MAX_MESSAGES);
  const refused = await rest.publishPrivate('full', 'one too many');
  expect(refused).toMatchObject({ status: 429, body: { code: 'queue-full' } });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);

  const { client, ids: given } = await arrive(fleet.edge(0), { client: 'full' });
  expect(given).toEqual(ids);
  expect((await rest.publishPrivate('full', 'still too many')).status).toBe(429);
  await acknowledge(client, 'full', ids[9] ?? '');
  const free = await send('full', 10);
  expect((await rest.publishPrivate('full', 'full again')).status).toBe(429);
  expect(await received(client, QUEUE_MAX_MESSAGES + 10)).toEqual([...ids, ...free]);
});

test('the same key twice: one message, the same id', async () => {
  const client = await connect(fleet.edge(0).wsUrl, { client: 'once' });
  const first = await rest.publishPrivate('once', 1, { key: 'k' });
  const second = await rest.publishPrivate('once', 2, { key: 'k' });
  expect(first.status).toBe(201);
  expect(second).toMatchObject({ status: 200, body: { id: field(first, 'id'), repeated: true } });
  const other = await rest.publishPrivate('once', 3, { key: 'l' });
  expect(await received(client, 2)).toEqual([field(first, 'id'), field(other, 'id')]);
});

test('what arrives while connections come and go reaches each, once and in order', async () => {
  const name = 'commuter';
  const steady = await connect(fleet.edge(0).wsUrl, { client: name });
  const sent: Position[] = [];
  let isSending = true;
  const sending = (async () => {
    while (isSending) {
      const ids = await send(name, 3);
      sent.push(...ids);
      await received(steady, sent.length);
      await acknowledge(steady, name, ids[2] ?? '');
    }
  })();

  const seen: Position[] = [];
  let after = `0-${Date.now()}`;
  for (let at = 0; at < 40; at += 1) {
    const { client, queue } = await arrive(fleet.edge(at % 2), { client: name, queueAfter: after });
    expect(queue).toMatchObject({ recovered: true });
    await received(client, (queue?.replayed ?? 0) + (at % 3));
    await client.cut();
    expect(client.frames[0]).toMatchObject({ type: 'welcome' });
    seen.push(...privateIds(client));
    after = seen.at(-1) ?? after;
  }
  isSending = false;
  await sending;
  const last = await arrive(fleet.edge(1), { client: name, queueAfter: after });
  expect([...seen, ...last.ids]).toEqual(sent);
  expect(privateIds(steady)).toEqual(sent);
});

test('the subscriber connection is lost: what came in between is given after the repair', async () => {
  const client = await connect(fleet.edge(0).wsUrl, { client: 'deaf' });
  const before = await send('deaf', 2);
  await received(client, 2);
  const missed = await whileDeaf(redis, fleet.edge(0), () => send('deaf', 5));
  expect(await received(client, 7)).toEqual([...before, ...missed]);
  const after = await send('deaf', 2);
  expect(await received(client, 9)).toEqual([...before, ...missed, ...after]);
  expect(client.of('gap')).toEqual([]);
});

test('a client is ahead of the edge that it comes to: nothing comes twice', async () => {
  const steady = await connect(fleet.edge(0).wsUrl, { client: 'ahead' });
  const [first = ''] = await send('ahead', 1);
  await received(steady, 1);
  const { id, opening } = await whileDeaf(redis, fleet.edge(0), async () => {
    const [second = ''] = await send('ahead', 1);
    // Waits in the edge's socket until it goes on, deaf to what was published.
    const arriving = arrive(fleet.edge(0), { client: 'ahead', queueAfter: second });
    return { id: second, opening: arriving };
  });
  const { client, queue } = await opening;
  expect(queue).toEqual({ position: id, recovered: true });
  const next = await send('ahead', 2);
  expect(await received(client, 2)).toEqual(next);
  expect(await received(steady, 4)).toEqual([first, id, ...next]);
});

test.each([
  { title: 'with a position', shows: true },
  { title: 'without one', shows: false },
])('a client comes, $title, to an edge that is behind: nobody misses', async ({ shows }) => {
  const name = `behind ${shows}`;
  const steady = await connect(fleet.edge(0).wsUrl, { client: name });
  const [first = ''] = await send(name, 1);
  await received(steady, 1);
  await acknowledge(steady, name, first);
  const { missed, opening } = await whileDeaf(redis, fleet.edge(0), async () => {
    const ids = await send(name, 3);
    const options = { client: name, ...(shows && { queueAfter: first }) };
    return { missed: ids, opening: arrive(fleet.edge(0), options) };
  });
  const { client } = await opening;
  expect(await received(client, 3)).toEqual(missed);
  const next = await send(name, 2);
  expect(await received(client, 5)).toEqual([...missed, ...next]);
  expect(await received(steady, 6)).toEqual([first, ...missed, ...next]);
});

test('an edge is killed: nobody takes the message, and the client gets it when it is back', async () => {
  const doomed = await fleet.addEdge();
  const client = await connect(doomed.wsUrl, { client: 'orphan' });
  const { edgeId } = await client.welcomed();
  await doomed.kill();
  const channel = edgeChannel(partitionOfClient('orphan'), edgeId);
  await eventually(async () => {
    const [, listeners] = (await redis.client.call('PUBSUB', 'SHARDNUMSUB', channel)) as unknown[];
    return listeners === 0;
  }, 'Redis has noticed');

  const answer = await rest.publishPrivate('orphan', 'where are you?');
  expect(answer).toMatchObject({ status: 201, body: { edges: 0 } });
  // The dead edge still stands in presence, until a sweeper comes.
  expect(await redis.client.hget(clientKeys('orphan').presence, 'orphan')).toBe(edgeId);
  const back = await arrive(fleet.edge(1), { client: 'orphan' });
  expect(back.ids).toEqual([field(answer, 'id')]);
  const next = await rest.publishPrivate('orphan', 'there');
  expect(next).toMatchObject({ body: { edges: 1 } });
  expect(await received(back.client, 2)).toEqual([field(answer, 'id'), field(next, 'id')]);
});
