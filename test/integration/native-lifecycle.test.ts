import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { channelKeys, clientKeys, heartbeatKey } from '@halley/shared/redis';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { EdgeProcess } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { DEADLINE_MS, eventually, within } from '../kit/wait.js';

const DRAIN_SECONDS = 2;
const DRAIN = { HALLEY_DRAIN_SECONDS: String(DRAIN_SECONDS), HALLEY_DRAIN_GRACE_MS: '200' };
/** What Redis may take over the goodbye of an edge. */
const LET_GO_SECONDS = 5;
const GOODBYE = {
  type: 'goodbye',
  code: 4201,
  retryAfterMs: expect.any(Number),
  reason: 'draining',
};

const statusOf = async (url: string) => {
  const { statusCode, body } = await request(url);
  await body.dump();
  return statusCode;
};

describe('the life of an edge and its connections', () => {
  const stack = useFleet({ env: DRAIN });

  test('health and readiness stand on both addresses, metrics on the admin address alone', async () => {
    const { url, adminUrl } = stack.edge();
    expect(await statusOf(`${url}/healthz`)).toBe(200);
    expect(await statusOf(`${adminUrl}/healthz`)).toBe(200);
    await eventually(async () => (await statusOf(`${url}/readyz`)) === 200, 'the edge is ready');
    expect(await statusOf(`${adminUrl}/readyz`)).toBe(200);
    expect(await statusOf(`${url}/metrics`)).toBe(404);
    expect(await statusOf(`${adminUrl}/v1/ws`)).toBe(404);
  });

  test('the metrics count connections, clients, channels and refusals', async () => {
    const edge = await stack.fleet.addEdge();
    const client = await connect(edge.wsUrl, { client: 'ann' });
    await client.subscribe(channelIn('demo'));
    await client.request({ type: 'subscribe', channel: 'closed:a' });
    const { body } = await request(`${edge.adminUrl}/metrics`);
    const lines = (await body.text()).split('\n');
    expect(lines).toContain('halley_connections 1');
    expect(lines).toContain('halley_clients 1');
    expect(lines).toContain('halley_channels 1');
    expect(lines).toContain('halley_refusals_total{code="forbidden"} 1');
    await edge.terminate();
  });

  test('N-18 silence ends a connection with 1006; a WebSocket pong is no silence', async () => {
    const edge = await stack.fleet.addEdge({ HALLEY_PING_INTERVAL_MS: '100' });
    const silent = new WebSocket(edge.wsUrl, { autoPong: false });
    const closed = once(silent, 'close');
    const idle = await connect(edge.wsUrl);
    expect(await idle.welcomed()).toMatchObject({ pingIntervalMs: 100 });
    const openedAt = performance.now();
    const [code] = await within(closed, 'the edge gives up', 60_000);
    expect(code).toBe(1006);
    // Two intervals and 10 s, less the steps in which uWebSockets.js counts.
    expect(performance.now() - openedAt).toBeGreaterThan(6_000);
    idle.send({ type: 'ping' });
    await idle.next('pong');
  }, 70_000);

  test('N-40 a leaving edge says goodbye, ends in time, and takes everything out of Redis', async () => {
    const edge = await stack.fleet.addEdge();
    const channel = channelIn('demo');
    const obedient = await connect(edge.wsUrl, { client: 'ann' });
    const deaf = await connect(edge.wsUrl, { client: 'bob' });
    for (const client of [obedient, deaf]) await client.subscribe(channel);
    const { edgeId } = await obedient.welcomed();
    const startedAt = performance.now();
    const exit = edge.terminate(5 * DRAIN_SECONDS * 1_000);
    expect(await obedient.next('goodbye')).toEqual(GOODBYE);
    await obedient.close();
    expect(await deaf.next('goodbye')).toEqual(GOODBYE);
    const closed = await within(deaf.closed, 'the edge closes who stays');
    expect(closed).toEqual({ code: 4201, reason: 'draining' });
    expect(performance.now() - startedAt).toBeGreaterThan(DRAIN_SECONDS * 900);
    expect(await exit).toEqual({ code: 0, signal: null });
    await expectNoTrace(edgeId, channel, ['ann', 'bob']);
  });

  test('N-40 an edge whose clients went ends before its window does', async () => {
    const edge = await stack.fleet.addEdge({ HALLEY_DRAIN_SECONDS: '600' });
    const client = await connect(edge.wsUrl);
    const exit = edge.terminate();
    await client.next('goodbye', undefined, 5 * DEADLINE_MS);
    await client.close();
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  test.each([
    ['is away', () => stack.redis.kill()],
    ['does not answer', async () => stack.redis.server.pause()],
  ])('N-40 an edge leaves in time though Redis %s', async (_, lose) => {
    const edge = await stack.fleet.addEdge();
    const client = await connect(edge.wsUrl, { client: 'ann' });
    await client.subscribe(channelIn('demo'));
    await lose();
    try {
      const exit = edge.terminate(5 * (DRAIN_SECONDS + LET_GO_SECONDS) * 1_000);
      await client.next('goodbye');
      await client.close();
      expect(await exit).toEqual({ code: 0, signal: null });
    } finally {
      await stack.redis.restart();
    }
  });

  test('N-40 who comes within the grace is welcomed and told to go; the edge is not ready', async () => {
    const edge = await stack.fleet.addEdge({ HALLEY_DRAIN_GRACE_MS: '1500' });
    await eventually(async () => (await statusOf(`${edge.url}/readyz`)) === 200, 'it is ready');
    const first = await connect(edge.wsUrl);
    const exit = edge.terminate();
    await eventually(
      async () => (await statusOf(`${edge.adminUrl}/readyz`)) === 503,
      'the draining edge is not ready',
    );
    const late = await connect(edge.wsUrl, { client: 'late' });
    for (const client of [first, late]) {
      expect(await client.next('goodbye')).toEqual(GOODBYE);
      await client.close();
    }
    expect(await exit).toEqual({ code: 0, signal: null });
  });

  test('N-9 after the grace an upgrade is answered with 503 and Retry-After', async () => {
    const edge = await stack.fleet.addEdge();
    const client = await connect(edge.wsUrl);
    const socket = await keepAlive(edge);
    const exit = edge.terminate();
    await client.next('goodbye');
    socket.write(upgradeRequest());
    const answer = await textUntil(socket, '\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/\r\nretry-after: \d+\r\n/i);
    socket.destroy();
    await client.close();
    await exit;
  });

  async function expectNoTrace(edgeId: string, channel: string, clients: string[]): Promise<void> {
    const { client: redis } = stack.redis;
    for (const name of clients) {
      expect(await redis.hexists(clientKeys(name).presence, name)).toBe(0);
      expect(await redis.zscore(clientKeys(name).lastSeen, name)).not.toBeNull();
    }
    const { members, subscribers } = channelKeys(channel);
    expect(await redis.exists(members, subscribers, heartbeatKey(edgeId))).toBe(0);
    const keys = await redis.keys(`*${edgeId}*`);
    expect(keys).toEqual([]);
  }
});

/** A connection that the edge has accepted and that may ask again. */
async function keepAlive(edge: EdgeProcess): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port: edge.port });
  await once(socket, 'connect');
  socket.write('GET /healthz HTTP/1.1\r\nHost: edge\r\n\r\n');
  expect(await textUntil(socket, 'ok\n')).toMatch(/^HTTP\/1\.1 200 /);
  return socket;
}

function upgradeRequest(): string {
  return [
    'GET /v1/ws HTTP/1.1',
    'Host: edge',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
    '\r\n',
  ].join('\r\n');
}

async function textUntil(socket: Socket, end: string): Promise<string> {
  let text = '';
  while (!text.includes(end)) {
    const [chunk] = await within(once(socket, 'data'), () => `${end} after ${text}`);
    text += String(chunk);
  }
  return text;
}
