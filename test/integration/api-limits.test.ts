/** What the api takes: messages a second by key, bodies, messages that wait, and none for edges that lag. */

import { channelKeys } from '@halley/shared/redis';
import { request } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import type { EdgeProcess, Service } from '../kit/fleet.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { RawHttp } from '../kit/raw-http.js';
import { type Exchange, field, RestClient } from '../kit/rest.js';
import { OPEN } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const PER_SECOND = 40;
const BODIES_MAX_BYTES = 8_388_608;
const PENDING_MAX = 150;
const LARGE = 'x'.repeat(60_000);
const OVERLOAD_DEADLINE_MS = 30_000;

const stack = useFleet({
  edges: 0,
  apiEnv: {
    HALLEY_BODIES_MAX_BYTES: String(BODIES_MAX_BYTES),
    HALLEY_PUBLISH_MAX_PENDING: String(PENDING_MAX),
    HALLEY_REDIS_TIMEOUT_MS: '15000',
  },
  config: { namespaces: { open: { ...OPEN, historySize: 10 } } },
});

function secondsToWait({ headers }: Exchange): number {
  return Number(headers['retry-after']);
}

async function statusOf(url: string): Promise<number> {
  const { statusCode, body } = await request(url);
  await body.dump();
  return statusCode;
}

describe('messages a second', () => {
  const KEYS = 'app:one:admin,app:two:admin,other:three:admin';
  let apis: Service[];

  beforeAll(async () => {
    const env = {
      HALLEY_API_KEYS: KEYS,
      HALLEY_API_KEY_MESSAGES_PER_SECOND: String(PER_SECOND),
      HALLEY_REDIS_TIMEOUT_MS: '500',
    };
    apis = await Promise.all([stack.fleet.addApi(env), stack.fleet.addApi(env)]);
  });

  const at = (index: number, key: string) => new RestClient(apis[index]?.url ?? '', { key });

  test('count for all keys of a name and at all apis; other names have their own', async () => {
    const startMs = performance.now();
    const callers = [at(0, 'one'), at(1, 'one'), at(0, 'two'), at(1, 'two')];
    const answers: Exchange[] = [];
    while (performance.now() - startMs < 1_500) {
      const round = callers.map((caller) => caller.publish('open:rate', 1));
      answers.push(...(await Promise.all(round)));
    }
    const seconds = (performance.now() - startMs) / 1_000;
    const accepted = answers.filter(({ status }) => status === 201).length;
    const refused = answers.filter(({ status }) => status === 429);
    expect(accepted + refused.length).toBe(answers.length);
    // A full bucket, and what has flowed in; nothing is leased that Redis did not take out.
    expect(accepted).toBeLessThanOrEqual(PER_SECOND * (1 + seconds) + 1);
    expect(accepted).toBeGreaterThanOrEqual(PER_SECOND);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expect(field(answer, 'code')).toBe('rate-limited');
      expect(secondsToWait(answer)).toBe(1);
    }
    expect((await at(0, 'three').publish('open:rate', 1)).status).toBe(201);
  });

  test('a batch counts its messages, the targets of each too; one above a second is lent, once', async () => {
    const caller = at(0, 'three');
    const channels = Array.from({ length: PER_SECOND * 3 }, (_, index) => `open:lent-${index}`);
    const lend = () => caller.post('/messages', { messages: [{ channels, data: 1 }] });
    const first = await eventually(async () => {
      const answer = await lend();
      return answer.status === 200 && answer;
    }, 'the bucket is full');
    expect(JSON.stringify(first.body).match(/"id":/g)).toHaveLength(PER_SECOND * 3);
    const next = await caller.get('/channels');
    expect(next.status).toBe(429);
    // Two seconds' worth were lent, and some of that time has passed.
    expect([2, 3]).toContain(secondsToWait(next));
    expect(await caller.call('GET', '/healthz')).toMatchObject({ status: 200 });
  });

  test('one that is refused asks Redis nothing, and most that pass do not either', async () => {
    const caller = at(1, 'one');
    const isThere = async () => (await caller.get('/channels')).status === 200;
    await eventually(isThere, 'a token is there');
    await stack.redis.resetCommandCalls();
    const calls = await Promise.all(Array.from({ length: 200 }, () => caller.get('/channels')));
    expect(calls.filter(({ status }) => status === 429).length).toBeGreaterThan(100);
    const { evalsha = 0 } = await stack.redis.commandCalls();
    // Portions of a tenth of a second: 10 in a bucket, and one that was not given; besides what the fleet
    // does of itself, a few a second.
    expect(evalsha).toBeLessThanOrEqual(50);
  });

  test('Redis is away: the usual 503', async () => {
    const caller = at(0, 'two');
    stack.redis.server.pause();
    // Until what was leased before is spent.
    const answer = await eventually(async () => {
      const one = await caller.get('/clients/nobody');
      return one.status === 503 && one;
    }, 'Redis is asked for more');
    stack.redis.server.resume();
    expect(answer.status).toBe(503);
    expect(field(answer, 'code')).toBe('unavailable');
    expect(secondsToWait(answer)).toBeGreaterThanOrEqual(1);
    const isBack = async () => (await caller.publish('open:away', 1)).status === 201;
    await eventually(isBack, 'it goes on');
  });
});

describe('what is under way', () => {
  const head = (length: string) =>
    [
      'POST /messages HTTP/1.1',
      'Host: api',
      'Authorization: Bearer dev-key',
      'Content-Type: application/json',
      length,
      '\r\n',
    ].join('\r\n');

  test('bodies: more than may be held are refused, announced or not, until others are answered', async () => {
    const messages = Array.from({ length: 90 }, () => ({ channel: 'open:a', data: LARGE }));
    const text = JSON.stringify({ messages });
    const slow = await RawHttp.open(stack.fleet.api().port);
    slow.send(head(`Content-Length: ${text.length}`) + text.slice(0, -1));
    const refused = await eventually(async () => {
      const answer = await stack.rest.post('/messages', { messages });
      return answer.status === 429 && answer;
    }, 'the slow body has arrived');
    expect(field(refused, 'code')).toBe('overloaded');
    expect(secondsToWait(refused)).toBeGreaterThanOrEqual(1);
    const chunked = await RawHttp.open(stack.fleet.api().port);
    chunked.send(head('Transfer-Encoding: chunked'));
    chunked.send(`${text.length.toString(16)}\r\n${text}\r\n`);
    expect((await chunked.answer()).statusLine).toBe('HTTP/1.1 429 Too Many Requests');
    expect((await stack.rest.publish('open:a', 'small')).status).toBe(201);
    slow.send('}');
    expect((await slow.answer()).statusLine).toBe('HTTP/1.1 200 OK');
    expect((await stack.rest.post('/messages', { messages })).status).toBe(200);
  });

  test('messages that wait for Redis: more are refused and not stored, all others are', async () => {
    const channel = channelIn('open');
    stack.redis.server.pause();
    const asked = Array.from({ length: 2 * PENDING_MAX }, (_, index) =>
      stack.rest.publish(channel, index),
    );
    const settled: Exchange[] = [];
    for (const one of asked) void one.then((answer) => settled.push(answer));
    await eventually(() => settled.length === PENDING_MAX, 'the others are refused at once');
    stack.redis.server.resume();
    for (const answer of settled) {
      expect(field(answer, 'code')).toBe('overloaded');
      expect(secondsToWait(answer)).toBeGreaterThanOrEqual(1);
    }
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(PENDING_MAX);
    expect((await stack.rest.publish(channel, 'after')).status).toBe(201);
    const log = (await stack.redis.client.xinfo('STREAM', channelKeys(channel).log)) as unknown[];
    expect(log[log.indexOf('entries-added') + 1]).toBe(PENDING_MAX + 1);
  });
});

describe('edges that deliver less than they get', () => {
  let sick: EdgeProcess;
  let well: EdgeProcess;
  let stuck: NativeClient;

  beforeAll(async () => {
    const env = { HALLEY_SLOW_READER_BYTES: '67108864' };
    [sick, well] = await Promise.all([
      stack.fleet.addEdge({ ...env, HALLEY_OVERLOAD_BACKPRESSURE_BYTES: '65536' }),
      stack.fleet.addEdge(env),
    ]);
  });

  const edgesSay = async (isOverloaded: boolean) => {
    const { body } = await stack.rest.get('/edges');
    const { edges } = body as { edges: { overloaded: boolean }[] };
    return edges.some(({ overloaded }) => overloaded) === isOverloaded;
  };

  test(
    'a client there gets nothing more until it is over; a channel does, while most edges are well',
    async () => {
      stuck = await connect(sick.wsUrl, { client: 'stuck' });
      const calm = await connect(well.wsUrl, { client: 'calm' });
      await stuck.subscribe('open:heavy');
      stuck.socket.pause();
      const messages = Array.from({ length: 100 }, () => ({ channel: 'open:heavy', data: LARGE }));
      for (let round = 0; round < 3; round += 1) await stack.rest.post('/messages', { messages });
      const refused = await eventually(
        async () => {
          const answer = await stack.rest.publishPrivate('stuck', 1);
          return answer.status === 429 && answer;
        },
        'the edge of the client is overloaded',
        OVERLOAD_DEADLINE_MS,
      );
      expect(field(refused, 'code')).toBe('overloaded');
      expect(secondsToWait(refused)).toBeGreaterThanOrEqual(1);
      expect(await edgesSay(true)).toBe(true);
      expect(await statusOf(`${sick.adminUrl}/readyz`)).toBe(503);
      expect(await statusOf(`${well.adminUrl}/readyz`)).toBe(200);
      const queue = await stack.rest.get('/clients/stuck/queue');
      const had = (queue.body as { messages: unknown[] }).messages.length;
      await stack.rest.publishPrivate('stuck', 2);
      const after = await stack.rest.get('/clients/stuck/queue');
      expect((after.body as { messages: unknown[] }).messages).toHaveLength(had);
      // One of two: others are served.
      expect((await stack.rest.publishPrivate('calm', 1)).status).toBe(201);
      expect((await stack.rest.publish('open:light', 1)).status).toBe(201);
      expect(await calm.request({ type: 'publish', channel: 'open:light', data: 1 })).toMatchObject(
        {
          type: 'published',
        },
      );
      // What its own clients publish, it refuses: it speaks for itself.
      const client = await connect(sick.wsUrl);
      const own = await client.request({ type: 'publish', channel: 'open:light', data: 1 });
      expect(own).toMatchObject({ type: 'error', code: 'overloaded' });
      expect((own as { retryAfterMs?: number }).retryAfterMs).toBeGreaterThanOrEqual(1_000);
    },
    OVERLOAD_DEADLINE_MS,
  );

  test(
    'once most edges are, channels get nothing more; and when it is over, all goes on',
    async () => {
      await well.terminate();
      const refused = await eventually(
        async () => {
          const answer = await stack.rest.publish('open:light', 1);
          return answer.status === 429 && answer;
        },
        'the edge that is left is the median',
        OVERLOAD_DEADLINE_MS,
      );
      expect(field(refused, 'code')).toBe('overloaded');
      stuck.socket.resume();
      const isAccepted = async () => (await stack.rest.publish('open:light', 1)).status === 201;
      await eventually(isAccepted, 'channels get messages again', OVERLOAD_DEADLINE_MS);
      expect((await stack.rest.publishPrivate('stuck', 3)).status).toBe(201);
      const { data } = await stuck.next('private', (frame) => frame.data === 3);
      expect(data).toBe(3);
      expect(await statusOf(`${sick.adminUrl}/readyz`)).toBe(200);
      await within(stuck.close(), 'the reader was not cut');
    },
    OVERLOAD_DEADLINE_MS,
  );
});
