/** @halley/server against a real fleet, a Redis that goes away, and servers that do not answer. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type BatchResult, HalleyServer, type Published } from '@halley/server';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import { backendOf, failureOf } from '../kit/backend.js';
import { type LossyProxy, openLossyProxy } from '../kit/lossy-proxy.js';
import { connect } from '../kit/native-client.js';
import { freePort } from '../kit/ports.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const MS_PER_SECOND = 1_000;
/** What a full queue asks for. */
const FULL_RETRY_AFTER_MS = 5_000;
/** What a loaded machine may add to a stated time. */
const SLACK_MS = 2_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe('calls', () => {
  const stack = useFleet();
  const make = () => backendOf(stack.fleet.api().url);

  test('publish: what was given is what the history has', async () => {
    const { halley } = make();
    const channel = channelIn('demo');
    const first = await halley.publish(channel, { text: 'Grüße 😀' });
    expect(first).toEqual({ id: expect.any(String), edges: 0 });
    const options = { event: 'née "x"', from: 'Jörg/ä', key: 'k1' };
    const second = await halley.publish(channel, null, options);
    expect(await halley.publish(channel, 'other', options)).toEqual({
      id: second.id,
      repeated: true,
    });
    expect(await halley.history(channel)).toEqual({
      messages: [
        { id: first.id, data: { text: 'Grüße 😀' } },
        { id: second.id, data: null, event: 'née "x"', clientId: 'Jörg/ä' },
      ],
      position: second.id,
      more: false,
    });
  });

  test('publish: draws a key where none is given, another one for each message', async () => {
    const { halley, tries } = make();
    await halley.publish(channelIn('demo'), 1);
    await halley.publishPrivate('keyed', 1, { key: undefined });
    await halley.publishBatch([{ channel: 'demo:keyed', data: 1 }]);
    const keys = tries.flatMap(({ body }) => /"key":"([^"]*)"/.exec(body)?.[1] ?? []);
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(UUID);
  });

  test('history: from both ends, in pages', async () => {
    const { halley } = make();
    const channel = channelIn('demo');
    const ids: string[] = [];
    for (const data of [1, 2, 3]) ids.push((await halley.publish(channel, data)).id);
    const page = async (options: Parameters<typeof halley.history>[1]) => {
      const { messages, more } = await halley.history(channel, options);
      return [messages.map(({ data }) => data), more];
    };
    expect(await page({ after: ids[0], limit: 1 })).toEqual([[2], true]);
    expect(await page({ before: ids[2] })).toEqual([[1, 2], false]);
    expect(await page({ after: undefined })).toEqual([[1, 2, 3], false]);
  });

  test.each(['ann', 'a/b?c#d%2e&e', 'Grüße 😀', '...'])(
    'publishPrivate: reaches the client %s',
    async (name) => {
      const { halley } = make();
      const client = await connect(stack.ws(), { client: name });
      await client.welcomed();
      const sent = await halley.publishPrivate(name, [name], { event: 'e' });
      expect(sent).toEqual({ id: expect.any(String), edges: 1 });
      const { id, data, event } = await client.next('private');
      expect([id, data, event]).toEqual([sent.id, [name], 'e']);
    },
  );

  test.each(['', '.', '..', '\ud800'])(
    'a name that no path can hold (%j) is refused',
    async (name) => {
      const { halley, tries } = make();
      expect((await failureOf(halley.publishPrivate(name, 1))).code).toBe('bad-client');
      expect((await failureOf(halley.publish(name, 1))).code).toBe('bad-channel');
      expect(tries).toEqual([]);
    },
  );

  test('publishBatch: a result for each, in order; a bad one does not fail the others', async () => {
    const { halley, tries } = make();
    const channel = channelIn('demo');
    const results = await halley.publishBatch([
      { channel, data: 1 },
      { channel: 'no spaces', data: 2 },
      { clients: ['bea', 'cid'], data: 3 },
      { channel, data: 4, key: 'mine' },
    ]);
    const ok = { id: expect.any(String), edges: 0 };
    expect(results).toEqual([
      ok,
      { code: 'bad-field', field: 'channel', message: expect.any(String) },
      {
        results: [
          { client: 'bea', ...ok },
          { client: 'cid', ...ok },
        ],
      },
      ok,
    ]);
    expect(tries).toHaveLength(1);
    const { messages } = await halley.history(channel);
    expect(messages.map(({ data }) => data)).toEqual([1, 4]);
  });

  test('members and presence: who is there, and who was', async () => {
    const { halley, tries } = make();
    const channel = channelIn('demo');
    const names = ['dan', 'eve'];
    const [dan] = await Promise.all(
      names.map(async (client) => {
        const connection = await connect(stack.ws(), { client });
        await connection.subscribe(channel);
        return connection;
      }),
    );
    const page = await halley.members(channel, { limit: 1 });
    expect(page).toEqual({
      count: 2,
      members: [{ clientId: 'dan', connections: 1 }],
      more: true,
    });
    expect((await halley.members(channel, { after: 'dan' })).members).toMatchObject([
      { clientId: 'eve' },
    ]);
    await dan?.close();
    const isSeen = async () => (await halley.presence(['dan']))[0]?.lastSeen ?? null;
    const lastSeen = await eventually(isSeen, 'dan is gone');
    expect(Math.abs(Date.now() - lastSeen)).toBeLessThan(60 * MS_PER_SECOND);
    const from = tries.length;
    // More than one request line holds, of the longest names that there are.
    const strangers = Array.from({ length: 30 }, (_, index) => 'ü'.repeat(98) + index);
    const found = await halley.presence(['eve', ...strangers, 'dan', 'never, ever']);
    expect(tries.length - from).toBeGreaterThan(1);
    expect(found.map(({ clientId }) => clientId)).toEqual([
      'eve',
      ...strangers,
      'dan',
      'never, ever',
    ]);
    expect(found.filter(({ online }) => online)).toEqual([
      { clientId: 'eve', online: true, lastSeen: null },
    ]);
    expect(await halley.presence([])).toEqual([]);
  });

  test('signToken: names a client with its rights; revokeToken ends what it opened', async () => {
    const { halley } = make();
    const { token, jti, expiresAt } = await halley.signToken({
      clientId: 'fay',
      ttlSeconds: 60,
      subscribe: ['chat:*'],
      publish: ['chat:*'],
      presence: ['chat:*'],
      info: { name: 'Fay' },
    });
    expect(Math.abs(expiresAt - Date.now() / MS_PER_SECOND - 60)).toBeLessThan(5);
    const client = await connect(stack.ws(), { token });
    expect(await client.welcomed()).toMatchObject({ clientId: 'fay' });
    await client.subscribe('chat:1');
    expect(await halley.revokeToken(jti)).toEqual({ revoked: jti });
    expect((await within(client.closed, 'the end')).code).toBe(4302);
  });

  test('disconnect and revoke: end connections with the code that was asked for', async () => {
    const { halley } = make();
    const gus = await connect(stack.ws(), { client: 'gus' });
    await gus.welcomed();
    expect(await halley.disconnect('gus', { code: 4200 })).toEqual({ edges: 1 });
    expect((await within(gus.closed, 'the end')).code).toBe(4200);
    const { token } = await halley.signToken({ clientId: 'hal' });
    const hal = await connect(stack.ws(), { token });
    await hal.welcomed();
    const { edges, issuedBefore } = await halley.revoke('hal');
    // The edge may act on the revocation before it is told to disconnect.
    expect([0, 1]).toContain(edges);
    expect(Math.abs(issuedBefore - Date.now() / MS_PER_SECOND)).toBeLessThan(5);
    expect((await within(hal.closed, 'the end')).code).toBe(4302);
  });

  test('one after the other keep their connections', async () => {
    const proxy = await useProxy(stack.fleet.api().url);
    const { halley } = backendOf(proxy.url);
    for (const data of Array.from({ length: 10 }).keys()) await halley.publish('demo:kept', data);
    await failureOf(halley.history('demo:kept', { limit: 0 }));
    await halley.history('demo:kept');
    // Node's fetch opens a second one where a call follows in the turn in which another has ended.
    expect(proxy.connections).toBeLessThanOrEqual(2);
  });
});

describe('refusals', () => {
  const stack = useFleet({ edges: 0, apiEnv: { HALLEY_API_KEYS: 'reader:r3ad3r:read' } });

  test('a bad key and a key of too low a role are not tried again', async () => {
    const { url } = stack.fleet.api();
    for (const [key, status, code] of [
      ['wrong', 401, 'unauthorized'],
      ['r3ad3r', 403, 'forbidden'],
    ] as const) {
      const { halley, tries } = backendOf(url, { key });
      const error = await failureOf(halley.publish('demo:a', 1, { key: 'k' }));
      expect([error.status, error.code, error.key]).toEqual([status, code, 'k']);
      expect(error.requestId).toEqual(expect.any(String));
      expect(tries).toHaveLength(1);
    }
  });

  test('name the field', async () => {
    const { halley, tries } = backendOf(stack.fleet.api().url, { key: 'r3ad3r' });
    const error = await failureOf(halley.history('demo:a', { limit: 5_000 }));
    expect(error).toMatchObject({ name: 'HalleyError', code: 'bad-query', field: 'limit' });
    expect(error.message).toContain('1000');
    expect(tries).toHaveLength(1);
  });

  test('data that JSON cannot say fails before anything is sent', async () => {
    const { halley, tries } = backendOf(stack.fleet.api().url);
    await expect(halley.publish('demo:a', 1n)).rejects.toThrow(TypeError);
    expect(tries).toEqual([]);
  });

  test.each([
    [{ url: 'ftp://halley' }, /^url /],
    [{ url: 'no address' }, /^url /],
    [{ url: 'http://user:pass@halley' }, /^url /],
    [{ key: '' }, /^key /],
    [{ key: 'two\nlines' }, /^key /],
    [{ timeoutMs: 0 }, /^timeoutMs .* 600000$/],
    [{ timeoutMs: Number.NaN }, /^timeoutMs /],
    [{ retries: 11 }, /^retries .* 10$/],
    [{ deadlineMs: 600_001 }, /^deadlineMs /],
  ])('of options: %o', (wrong, message) => {
    const make = () => new HalleyServer({ url: 'http://127.0.0.1:1', key: 'k', ...wrong });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

describe('a full queue', () => {
  const stack = useFleet({ config: { queueMaxMessages: 1 } });

  test('is tried again after Retry-After', async () => {
    const { halley, tries } = backendOf(stack.fleet.api().url);
    const { id } = await halley.publishPrivate('ida', 1);
    const waiting = halley.publishPrivate('ida', 2);
    await eventually(() => tries[1]?.status === 429, 'the queue is full');
    const client = await connect(stack.ws(), { client: 'ida' });
    await client.welcomed();
    client.send({ type: 'ack', id });
    expect(await waiting).toEqual({ id: expect.any(String), edges: 1 });
    expect(tries.map(({ status }) => status)).toEqual([201, 429, 201]);
    expect((tries[2]?.at ?? 0) - (tries[1]?.at ?? 0)).toBeGreaterThanOrEqual(FULL_RETRY_AFTER_MS);
    expect(tries[2]?.body).toBe(tries[1]?.body);
  });

  test('that stays full is an error in the end; in a batch at once', async () => {
    const { halley, tries } = backendOf(stack.fleet.api().url, { retries: 1 });
    await halley.publishPrivate('joe', 1);
    const error = await failureOf(halley.publishPrivate('joe', 2, { key: 'k' }));
    expect(error).toMatchObject({ code: 'queue-full', status: 429, key: 'k' });
    expect(error.retryAfterMs).toBe(FULL_RETRY_AFTER_MS);
    expect(tries).toHaveLength(3);
    const results = await halley.publishBatch([{ client: 'joe', data: 3 }]);
    expect(results).toMatchObject([{ code: 'queue-full' }]);
    expect(tries).toHaveLength(4);
  });

  test('is not waited for beyond the deadline', async () => {
    const { halley, tries } = backendOf(stack.fleet.api().url, { deadlineMs: FULL_RETRY_AFTER_MS });
    await halley.publishPrivate('kim', 1);
    const error = await failureOf(halley.publishPrivate('kim', 2));
    expect(error.code).toBe('queue-full');
    expect(tries).toHaveLength(2);
  });
});

describe('Redis that does not answer', () => {
  const stack = useFleet({ edges: 0, apiEnv: { HALLEY_REDIS_TIMEOUT_MS: '200' } });
  const make = () =>
    backendOf(stack.fleet.api().url, { timeoutMs: 5_000, retries: 5, deadlineMs: 20_000 });

  test('paused: a message goes through with the same key, once', async () => {
    const { halley, tries } = make();
    const channel = channelIn('demo');
    stack.redis.server.pause();
    const sent = halley.publish(channel, 'once');
    await eventually(() => tries[0]?.status === 503, 'the first refusal').finally(() =>
      stack.redis.server.resume(),
    );
    const { id } = await sent;
    expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
    expect(tries.length).toBeGreaterThan(1);
    expect((await halley.history(channel)).messages).toEqual([{ id, data: 'once' }]);
  });

  test('paused: so do those of a batch that were not stored', async () => {
    const { halley, tries } = make();
    const channels = [channelIn('demo'), channelIn('demo')];
    await halley.publish('demo:warm', 1);
    stack.redis.server.pause();
    const sent = halley.publishBatch([
      { channel: 'no spaces', data: 0 },
      { channel: channels[0], data: 'once' },
      { channels, data: 'both' },
    ]);
    await eventually(() => (tries[1]?.status ?? 0) > 0, 'the first answer').finally(() =>
      stack.redis.server.resume(),
    );
    const [bad, single, both] = await sent;
    expect(bad?.code).toBe('bad-field');
    expect(single?.id).toEqual(expect.any(String));
    expect(both?.results?.map(({ id }) => typeof id)).toEqual(['string', 'string']);
    // The bad one is not sent again.
    expect(tries.at(-1)?.body).not.toContain('no spaces');
    const read = await Promise.all(channels.map((channel) => halley.history(channel)));
    expect(read.map(({ messages }) => messages.map(({ data }) => data))).toEqual([
      ['once', 'both'],
      ['both'],
    ]);
  });

  test('gone: a message goes through once it is back', async () => {
    const { halley, tries } = make();
    const channel = channelIn('demo');
    await stack.redis.kill();
    const sent = halley.publish(channel, 1);
    await eventually(() => tries[0]?.status === 503, 'the first refusal').finally(() =>
      stack.redis.restart(),
    );
    await sent;
    expect((await halley.history(channel)).messages).toHaveLength(1);
  });
});

describe('an answer that is lost', () => {
  const stack = useFleet({ edges: 0 });

  test.each(['cut', 'silence'] as const)('by %s: the message exists once', async (how) => {
    const proxy = await useProxy(stack.fleet.api().url);
    const { halley, tries } = backendOf(proxy.url, { timeoutMs: how === 'cut' ? 10_000 : 1_000 });
    const channel = channelIn('demo');
    const name = `lost-${how}`;
    proxy.loseNext(how);
    expect(await halley.publish(channel, 1)).toMatchObject({ repeated: true });
    proxy.loseNext(how);
    expect(await halley.publishPrivate(name, 1)).toMatchObject({ repeated: true });
    proxy.loseNext(how);
    expect(await halley.publishBatch([{ channel, data: 2 }])).toMatchObject([{ repeated: true }]);
    expect([proxy.lost, tries.length]).toEqual([3, 6]);
    const { messages } = await halley.history(channel);
    expect(messages.map(({ data }) => data)).toEqual([1, 2]);
    const queue = await stack.rest.get(`/clients/${name}/queue`);
    expect(queue.body).toMatchObject({ messages: [{ data: 1 }] });
  });
});

describe('a server that is none', () => {
  test('accepts and never answers: timeout, within timeoutMs x (retries + 1)', async () => {
    const { halley, tries } = backendOf(await useSilence(), { timeoutMs: 200, retries: 2 });
    const start = performance.now();
    const error = await failureOf(halley.publish('demo:a', 1));
    const tookMs = performance.now() - start;
    expect([error.code, error.status, tries.length]).toEqual(['timeout', 0, 3]);
    expect(error.key).toMatch(UUID);
    expect(tookMs).toBeGreaterThan(500);
    expect(tookMs).toBeLessThan(600 + SLACK_MS);
  });

  test('stops in the middle of an answer: timeout', async () => {
    const url = await useHttp((_, response) => {
      response.writeHead(201, { 'content-length': '100' }).write('{"id":');
    });
    const { halley } = backendOf(url, { timeoutMs: 200, retries: 0 });
    expect((await failureOf(halley.publish('demo:a', 1))).code).toBe('timeout');
  });

  test('is not there: unreachable', async () => {
    const { halley, tries } = backendOf(`http://127.0.0.1:${await freePort()}`);
    const error = await failureOf(halley.disconnect('ann'));
    expect([error.code, error.status, tries.length]).toEqual(['unreachable', 0, 3]);
    expect(error.message).toContain('ECONNREFUSED');
  });

  test.each([
    [502, 3, {}],
    [504, 3, {}],
    [500, 1, {}],
    [302, 1, { location: '/login' }],
    [200, 1, {}],
    [503, 1, { 'retry-after': '3600' }],
  ])('a proxy that says %i itself is asked %i times', async (status, count, headers) => {
    const url = await useHttp((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<html>');
    });
    const { halley, tries } = backendOf(url, { timeoutMs: 5_000, deadlineMs: 600_000 });
    const error = await failureOf(halley.publish('demo:a', 1));
    expect([error.code, error.status, tries.length]).toEqual(['bad-answer', status, count]);
    if (status === 503) expect(error.retryAfterMs).toBe(3_600_000);
  });

  test('another service that answers in JSON is told apart', async () => {
    const url = await useHttp((_, response) => {
      response.end('{"ok":true}');
    });
    const error = await failureOf(backendOf(`${url}/below/`).halley.publish('demo:a', 1));
    expect([error.code, error.status]).toEqual(['bad-answer', 200]);
  });

  test('a path before that of the API is kept', async () => {
    const paths: (string | undefined)[] = [];
    const url = await useHttp(({ url: path }, response) => {
      paths.push(path);
      response.end('{"id":"1-0"}');
    });
    await backendOf(`${url}/below/`).halley.publish('demo:a', 1);
    expect(paths).toEqual(['/below/channels/demo:a/messages'].map(encodeColons));
  });
});

describe('an AbortSignal', () => {
  test('ends a call that waits for an answer', async () => {
    const { halley, tries } = backendOf(await useSilence(), { timeoutMs: 60_000 });
    const ending = new AbortController();
    const call = halley.publish('demo:a', 1, { signal: ending.signal });
    await eventually(() => tries.length === 1, 'the call is made');
    ending.abort(new Error('enough'));
    await expect(within(call, 'the end')).rejects.toThrow('enough');
    expect(tries).toHaveLength(1);
  });

  test('ends a pause before another try', async () => {
    const url = await useHttp((_, response) => {
      response.writeHead(503, { 'retry-after': '30' }).end();
    });
    const { halley, tries } = backendOf(url, { timeoutMs: 60_000 });
    const ending = new AbortController();
    const call = halley.publishBatch([{ channel: 'demo:a', data: 1 }], { signal: ending.signal });
    await eventually(() => tries[0]?.status === 503, 'the refusal');
    ending.abort(new Error('enough'));
    await expect(within(call, 'the end')).rejects.toThrow('enough');
    expect(tries).toHaveLength(1);
  });

  test('that was given before makes no call', async () => {
    const { halley, tries } = backendOf('http://127.0.0.1:1');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(halley.signToken({ clientId: 'a' }, { signal })).rejects.toThrow('enough');
    expect(tries).toEqual([]);
  });
});

describe('types', () => {
  test('are what scripts/openapi-types.mjs prints', () => {
    const root = new URL('../../', import.meta.url);
    const script = fileURLToPath(new URL('scripts/openapi-types.mjs', root));
    const printed = execFileSync(process.execPath, [script, '--print'], { encoding: 'utf8' });
    const file = new URL('libs/server/src/api-types.ts', root);
    expect(readFileSync(file, 'utf8')).toBe(printed);
  });

  test('say what calls take and give', () => {
    const halley = new HalleyServer({ url: 'http://127.0.0.1:1', key: 'k' });
    expectTypeOf(halley.publish).returns.resolves.toEqualTypeOf<Published>();
    expectTypeOf(halley.publishBatch).returns.resolves.toEqualTypeOf<BatchResult[]>();
    expectTypeOf<Published['id']>().toEqualTypeOf<string>();
    expectTypeOf(halley.publish).parameter(2).not.toEqualTypeOf<{ evnt: string } | undefined>();
    // @ts-expect-error: an option of another call
    expectTypeOf(halley.publishPrivate).toBeCallableWith('ann', 1, { from: 'bob' });
    // @ts-expect-error: a token is for somebody
    expectTypeOf(halley.signToken).toBeCallableWith({ ttlSeconds: 60 });
  });
});

function encodeColons(path: string): string {
  return path.replaceAll(':', '%3A');
}

async function useProxy(url: string): Promise<LossyProxy> {
  const proxy = await openLossyProxy(url);
  ends.push(() => proxy.stop());
  return proxy;
}

/** A server that accepts and reads, and says nothing. */
async function useSilence(): Promise<string> {
  return serve(createServer((socket) => socket.resume()));
}

async function useHttp(listener: RequestListener): Promise<string> {
  return serve(createHttpServer(listener));
}

async function serve(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // The caller may go first.
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
