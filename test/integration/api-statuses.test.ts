/** Every declared status of every call, produced once; every answer held to /openapi.json. */

import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { OpenApiBook } from '../kit/openapi.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import type { RestClient } from '../kit/rest.js';
import { eventually } from '../kit/wait.js';

const BODY_MAX_BYTES = 100_000;
const QUEUE_MAX_MESSAGES = 2;

type Method = 'GET' | 'POST' | 'DELETE';

/** A call that succeeds as it stands. */
interface Valid {
  readonly operation: string;
  readonly method: Method;
  readonly path: string;
  readonly status: number;
  readonly body?: unknown;
}

const PUBLIC: readonly Valid[] = [
  { operation: 'readHealth', method: 'GET', path: '/healthz', status: 200 },
  { operation: 'readReadiness', method: 'GET', path: '/readyz', status: 200 },
  { operation: 'readMetrics', method: 'GET', path: '/metrics', status: 200 },
  { operation: 'readOpenApi', method: 'GET', path: '/openapi.json', status: 200 },
];
const READ: readonly Valid[] = [
  { operation: 'readHistory', method: 'GET', path: '/channels/demo:a/messages', status: 200 },
  { operation: 'listChannels', method: 'GET', path: '/channels', status: 200 },
  { operation: 'readChannel', method: 'GET', path: '/channels/demo:a', status: 200 },
  { operation: 'listMembers', method: 'GET', path: '/channels/demo:a/members', status: 200 },
  { operation: 'readQueue', method: 'GET', path: '/clients/ann/queue', status: 200 },
  { operation: 'readClients', method: 'GET', path: '/clients?ids=ann,bob', status: 200 },
  { operation: 'readClient', method: 'GET', path: '/clients/ann', status: 200 },
  { operation: 'listEdges', method: 'GET', path: '/edges', status: 200 },
  { operation: 'readStats', method: 'GET', path: '/stats', status: 200 },
];
const PUBLISH: readonly Valid[] = [
  {
    operation: 'publishToChannel',
    method: 'POST',
    path: '/channels/demo:a/messages',
    status: 201,
    body: { data: 1 },
  },
  {
    operation: 'publishToClient',
    method: 'POST',
    path: '/clients/ann/messages',
    status: 201,
    body: { data: 1 },
  },
  {
    operation: 'publishBatch',
    method: 'POST',
    path: '/messages',
    status: 200,
    body: { messages: [{ channel: 'demo:a', data: 1 }] },
  },
];
const ADMIN: readonly Valid[] = [
  { operation: 'clearHistory', method: 'DELETE', path: '/channels/demo:a/messages', status: 200 },
  {
    operation: 'kickMember',
    method: 'DELETE',
    path: '/channels/demo:a/members/ann',
    status: 200,
    body: { seconds: 1 },
  },
  { operation: 'disconnectClient', method: 'POST', path: '/clients/ann/disconnect', status: 200 },
  { operation: 'revokeClient', method: 'POST', path: '/clients/ann/revoke', status: 200 },
  { operation: 'signToken', method: 'POST', path: '/tokens', status: 201, body: { clientId: 'a' } },
  { operation: 'revokeToken', method: 'DELETE', path: '/tokens/abc', status: 200 },
];
const WITH_KEY = [...READ, ...PUBLISH, ...ADMIN];
const WITH_BODY: readonly Valid[] = WITH_KEY.filter(({ operation }) =>
  [
    'publishToChannel',
    'publishToClient',
    'publishBatch',
    'kickMember',
    'disconnectClient',
    'revokeClient',
    'signToken',
  ].includes(operation),
);
const REQUIRED_BODY = WITH_BODY.filter(
  ({ operation, body }) => body !== undefined && operation !== 'kickMember',
);

let redis: PrivateRedis;
let fleet: Fleet;
let book: OpenApiBook;
let admin: RestClient;
let publisher: RestClient;
let reader: RestClient;
let stranger: RestClient;
let withoutSecret: RestClient;
let limited: RestClient;

beforeAll(async () => {
  redis = await startPrivateRedis();
  fleet = await startFleet({
    redisUrl: redis.url,
    env: { HALLEY_API_KEYS: 'a:root-key:admin,p:pub-key:publish,r:read-key:read' },
    apiEnv: { HALLEY_BODY_MAX_BYTES: String(BODY_MAX_BYTES), HALLEY_REDIS_TIMEOUT_MS: '500' },
    config: {
      queueMaxMessages: QUEUE_MAX_MESSAGES,
      namespaces: { bare: { historySize: 0 }, demo: { members: true } },
    },
  });
  const { publicKey } = generateKeyPairSync('ed25519');
  const keysOnly = await fleet.addApi({
    HALLEY_TOKEN_KEYS: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  });
  const slow = await fleet.addApi({ HALLEY_API_KEY_MESSAGES_PER_SECOND: '1' });
  const { url } = fleet.api();
  book = await OpenApiBook.of(url);
  admin = book.client(url, { key: 'root-key' });
  publisher = book.client(url, { key: 'pub-key' });
  reader = book.client(url, { key: 'read-key' });
  stranger = book.client(url, { key: null });
  withoutSecret = book.client(keysOnly.url, { key: 'root-key' });
  limited = book.client(slow.url, { key: 'root-key' });
  await eventually(async () => (await reader.get('/edges')).text.includes('edgeId'), 'a heartbeat');
});

afterAll(async () => {
  await Promise.all(
    [admin, publisher, reader, stranger, withoutSecret, limited].map((client) => client?.close()),
  );
  await fleet?.stop();
  await redis?.stop();
});

function send(client: RestClient, { method, path, body }: Valid) {
  return client.call(method, path, body === undefined ? {} : { body });
}

function codeOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, 'code') : undefined;
}

describe('the api', () => {
  it.each(PUBLIC)('answers $operation without a key', async (call) => {
    expect((await send(stranger, call)).status).toBe(call.status);
  });

  it.each(WITH_KEY)('answers $operation', async (call) => {
    expect((await send(admin, call)).status).toBe(call.status);
  });

  it.each(WITH_KEY)('refuses $operation without a valid key', async (call) => {
    const answer = await send(stranger, call);
    expect([answer.status, codeOf(answer.body)]).toEqual([401, 'unauthorized']);
    const wrong = await stranger.call(call.method, call.path, {
      headers: { authorization: 'Bearer root-kez' },
    });
    expect(wrong.status).toBe(401);
  });

  it.each(PUBLISH)('refuses $operation to the role read', async (call) => {
    const answer = await send(reader, call);
    expect([answer.status, codeOf(answer.body)]).toEqual([403, 'forbidden']);
    expect(answer.text).toContain('publish');
  });

  it.each(ADMIN)('refuses $operation to the role publish', async (call) => {
    const answer = await send(publisher, call);
    expect([answer.status, codeOf(answer.body)]).toEqual([403, 'forbidden']);
    expect(answer.text).toContain('admin');
  });

  it.each(WITH_KEY)('refuses an unknown parameter of $operation', async (call) => {
    const path = `${call.path}${call.path.includes('?') ? '&' : '?'}afterr=1`;
    const answer = await send(admin, { ...call, path });
    expect([answer.status, codeOf(answer.body)]).toEqual([400, 'bad-query']);
    expect(answer.body).toMatchObject({ field: 'afterr' });
  });

  it.each(WITH_BODY)('refuses an unknown field of $operation', async (call) => {
    const answer = await admin.call(call.method, call.path, {
      body: { ...Object(call.body), deliverAt: 1 },
    });
    expect([answer.status, codeOf(answer.body)]).toEqual([422, 'bad-field']);
    expect(answer.body).toMatchObject({ field: 'deliverAt' });
  });

  it.each(REQUIRED_BODY)('names the missing field of $operation', async (call) => {
    const answer = await admin.call(call.method, call.path, { body: {} });
    expect([answer.status, codeOf(answer.body)]).toEqual([422, 'missing-field']);
    expect(answer.body).toMatchObject({ field: Object.keys(Object(call.body))[0] });
  });

  it.each(WITH_BODY)(
    'refuses bad JSON, a wrong type and a large body of $operation',
    async (call) => {
      const { method, path } = call;
      const bad = await admin.call(method, path, { text: '{"data":' });
      expect([bad.status, codeOf(bad.body)]).toEqual([400, 'bad-json']);
      const headers = { 'content-type': 'text/plain' };
      const text = await admin.call(method, path, { text: '{}', headers });
      expect([text.status, codeOf(text.body)]).toEqual([415, 'unsupported-media-type']);
      const large = await admin.call(method, path, { text: ' '.repeat(BODY_MAX_BYTES + 1) });
      expect([large.status, codeOf(large.body)]).toEqual([413, 'body-too-large']);
    },
  );

  it.each([
    ['/channels/a%20b/messages', 'bad-channel'],
    ['/channels/%zz', 'bad-channel'],
    [`/channels/${'x'.repeat(201)}`, 'bad-channel'],
    ['/clients/%00', 'bad-client'],
    ['/clients/%ff', 'bad-client'],
    ['/channels/demo:a/messages?after=x', 'bad-position'],
    ['/channels/demo:a/messages?limit=0', 'bad-query'],
    ['/channels/demo:a/messages?limit=1&limit=2', 'bad-query'],
    ['/channels/demo:a/messages?after=0-0&before=0-0', 'bad-query'],
    ['/clients', 'bad-query'],
    ['/clients?ids=', 'bad-query'],
    ['/channels?prefix=%20', 'bad-query'],
  ])('refuses %s with %s', async (path, code) => {
    const answer = await admin.get(path);
    expect([answer.status, codeOf(answer.body)]).toEqual([400, code]);
    expect(answer.body).toHaveProperty('field');
  });

  it('refuses what a namespace does not keep', async () => {
    const history = await admin.get('/channels/bare:a/messages');
    expect([history.status, codeOf(history.body)]).toEqual([409, 'history-disabled']);
    const cleared = await admin.delete('/channels/bare:a/messages');
    expect([cleared.status, codeOf(cleared.body)]).toEqual([409, 'history-disabled']);
    const members = await admin.get('/channels/bare:a/members');
    expect([members.status, codeOf(members.body)]).toEqual([409, 'members-disabled']);
  });

  it('refuses to sign without a secret', async () => {
    const answer = await withoutSecret.post('/tokens', { clientId: 'ann' });
    expect([answer.status, codeOf(answer.body)]).toEqual([409, 'signing-disabled']);
  });

  it('refuses to write presence channels', async () => {
    const answer = await admin.publish('@client:ann', 1);
    expect([answer.status, codeOf(answer.body)]).toEqual([403, 'forbidden']);
  });

  it('answers a repeated key with 200', async () => {
    const first = await admin.publish('demo:key', 1, { key: 'k' });
    const second = await admin.publish('demo:key', 2, { key: 'k' });
    expect([first.status, second.status]).toEqual([201, 200]);
    const sent = await admin.publishPrivate('kay', 1, { key: 'k' });
    const again = await admin.publishPrivate('kay', 1, { key: 'k' });
    expect([sent.status, again.status]).toEqual([201, 200]);
  });

  it('refuses a private message when the queue is full', async () => {
    for (let sent = 0; sent < QUEUE_MAX_MESSAGES; sent += 1) {
      expect((await admin.publishPrivate('full', sent)).status).toBe(201);
    }
    const answer = await admin.publishPrivate('full', 'one more');
    expect([answer.status, codeOf(answer.body)]).toEqual([429, 'queue-full']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  describe('beyond the rate of a key', () => {
    beforeAll(async () => {
      // Lent of a full bucket: for minutes nothing is left.
      const channels = Array.from({ length: 900 }, (_, index) => `demo:lent-${index}`);
      await limited.post('/messages', { messages: [{ channels, data: 1 }] });
    });

    it.each([
      ...WITH_KEY,
      {
        operation: 'listEdgeEvents',
        method: 'GET',
        path: '/edges/nobody/events',
        status: 404,
      } as const,
    ])('refuses $operation', async (call) => {
      const answer = await send(limited, call);
      expect([answer.status, codeOf(answer.body)]).toEqual([429, 'rate-limited']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(60);
    });
  });

  it('knows the events of its edges, and no others', async () => {
    const { body } = await admin.get('/edges');
    const { edges } = body as { edges: { edgeId: string }[] };
    expect(edges).toHaveLength(1);
    expect((await admin.get(`/edges/${edges[0]?.edgeId}/events`)).status).toBe(200);
    expect((await admin.get('/edges/nobody/events')).status).toBe(404);
    expect((await admin.get('/edges/nobody/events?x=1')).status).toBe(400);
    expect((await stranger.get('/edges/nobody/events')).status).toBe(401);
    expect((await admin.delete('/tokens/a%20b')).status).toBe(404);
  });

  it.each([
    ['GET', '/nothing', 404, undefined],
    ['GET', '/channels/a/b/c', 404, undefined],
    ['POST', '/v1', 404, undefined],
    ['PUT', '/channels/a/messages', 405, 'POST, GET, HEAD, DELETE'],
    ['DELETE', '/v1/messages', 405, 'POST'],
    ['OPTIONS', '/stats', 405, 'GET, HEAD'],
  ] as const)('answers %s %s with %i', async (method, path, status, allow) => {
    const answer = await admin.call(method, path);
    expect([answer.status, answer.headers['allow']]).toEqual([status, allow]);
  });

  describe('without Redis', () => {
    beforeAll(async () => {
      await redis.kill();
      const isAway = async () => (await stranger.get('/readyz')).status === 503;
      await eventually(isAway, 'the api notices that Redis is away');
    });

    const STORED = WITH_KEY.filter(({ operation }) => operation !== 'signToken');

    it.each(STORED)('refuses $operation with 503', async (call) => {
      const answer = await send(admin, call);
      expect([answer.status, codeOf(answer.body)]).toEqual([503, 'unavailable']);
      expect(answer.headers['retry-after']).toBe('1');
    });

    it('refuses events of edges with 503, and signs tokens all the same', async () => {
      expect((await admin.get('/edges/nobody/events')).status).toBe(503);
      expect((await admin.post('/tokens', { clientId: 'ann' })).status).toBe(201);
      expect((await stranger.get('/healthz')).status).toBe(200);
    });
  });

  it('has nothing declared that was not produced', () => {
    expect(book.unseen()).toEqual([]);
  });
});
