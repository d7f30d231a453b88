/** The kit is what all other tests lean on: a wait that cannot fail would hide every defect. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { startFleet } from '../kit/fleet.js';
import { connect, open } from '../kit/native-client.js';
import { startPrivateRedis } from '../kit/redis.js';
import { field, RestClient } from '../kit/rest.js';
import { DeadlineError, eventually, within } from '../kit/wait.js';

describe('waits', () => {
  test('within rejects at the deadline and names what did not happen', async () => {
    const never = new Promise<void>(() => undefined);
    await expect(within(never, 'the moon falls', 20)).rejects.toThrow(/20 ms: the moon falls/);
  });

  test('eventually gives the first value that is given, and fails without one', async () => {
    let calls = 0;
    expect(await eventually(() => (++calls < 3 ? null : calls), 'three calls')).toBe(3);
    await expect(eventually(() => false, 'truth', 30)).rejects.toThrow(DeadlineError);
  });
});

describe('redis', () => {
  test('is private, has the settings of production, counts calls, keeps data over a restart', async () => {
    const redis = await startPrivateRedis({ persistent: true });
    try {
      expect(await redis.client.config('GET', 'maxmemory-policy')).toContain('noeviction');
      expect(await redis.client.config('GET', 'stream-node-max-bytes')).toContain('512');
      await redis.resetCommandCalls();
      await redis.client.set('a', '1');
      await redis.client.get('a');
      expect(await redis.commandCalls()).toMatchObject({ set: 1, get: 1 });
      await redis.restart();
      expect(await eventually(() => redis.client.get('a').catch(() => null), 'a again')).toBe('1');
    } finally {
      await redis.stop();
    }
    expect(redis.server.isRunning).toBe(false);
  });
});

describe('fleet', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'halley-kit-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  async function program(name: string, source: string): Promise<string> {
    const path = join(dir, `${name}.mjs`);
    await writeFile(path, source);
    return path;
  }
  const serving = `console.log('env ' + process.env.REDIS_URL + ' ' + process.env.HALLEY_CONFIG);
    process.send({ ready: true, port: 1234, adminPort: 1235 }); setInterval(() => {}, 1000);`;

  test('starts edges and apis, passes settings, stops them by SIGTERM', async () => {
    const main = await program('serving', serving);
    const options = { redisUrl: 'redis://x', edges: 2, edgeMain: main, apiMain: main, config: {} };
    const fleet = await startFleet(options);
    const services = [...fleet.edges, ...fleet.apis];
    expect(services.map(({ name }) => name)).toEqual(['edge 1', 'edge 2', 'api 3']);
    expect(fleet.edge(1).wsUrl).toBe('ws://127.0.0.1:1234/v1/ws');
    expect(fleet.edge().adminUrl).toBe('http://127.0.0.1:1235');
    await fleet.edge().printed(/env redis:\/\/x .*halley\.json/);
    await fleet.stop();
    expect(await Promise.all(services.map(({ exited }) => exited))).toEqual(
      services.map(() => ({ code: null, signal: 'SIGTERM' })),
    );
  });

  test('a fatal line rejects the start and leaves no process', async () => {
    const main = await program('serving', serving);
    const bad = await program('bad', `process.send({ fatal: 'no luck' }); process.exitCode = 78;`);
    const start = startFleet({ redisUrl: '', edgeMain: main, apiMain: bad });
    await expect(start).rejects.toMatchObject({ name: 'StartError', line: 'no luck' });
  });

  test('a process that ignores SIGTERM is killed and reported', async () => {
    const deaf = await program('deaf', `process.on('SIGTERM', () => {}); ${serving}`);
    const fleet = await startFleet({ redisUrl: '', edgeMain: deaf, apis: 0 });
    await expect(fleet.edge().terminate(100)).rejects.toThrow(/ends on SIGTERM/);
    expect(fleet.edge().isRunning).toBe(false);
    await fleet.stop();
  });
});

describe('native client', () => {
  const server = createServer((_request, response) => response.end());
  const sockets = new WebSocketServer({ noServer: true });
  let url: string;

  beforeAll(async () => {
    server.on('upgrade', (request, socket, head) => {
      if (request.url?.includes('client=nobody')) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfull');
        return;
      }
      sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.send(JSON.stringify({ type: 'welcome', version: 1, edgeId: request.url }));
        ws.on('message', (text) => {
          const { ref, type } = JSON.parse(text.toString());
          if (type === 'end') return ws.close(4100, 'why');
          ws.send('{"type":"message","channel":"c","id":"1-0.aaaa","data":12345678901234567890}');
          return ws.send(JSON.stringify({ type: 'subscribed', ref, channel: 'c' }));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/ws`;
  });
  afterAll(() => {
    sockets.close();
    server.close();
  });

  test('records frames, answers by ref, keeps the text', async () => {
    const client = await connect(url, { client: 'ann', queueAfter: '1-0.abcd' });
    expect((await client.welcomed()).edgeId).toBe('/v1/ws?client=ann&queueAfter=1-0.abcd');
    expect(await client.subscribe('c')).toMatchObject({ type: 'subscribed', ref: 'r1' });
    expect(await client.waitForMessages('c', 1)).toHaveLength(1);
    expect(client.texts[1]).toContain('12345678901234567890');
    await expect(client.ask({ type: 'publish' }, 'published')).rejects.toThrow(/answered by/);
    expect(await client.close()).toMatchObject({ code: 1000 });
  });

  test('a wait rejects when the edge closes, a refused upgrade gives its status', async () => {
    const client = await connect(url);
    const wait = client.next('private');
    client.send({ type: 'end' });
    await expect(wait).rejects.toThrow(/closed with 4100 why/);
    expect(await client.closed).toEqual({ code: 4100, reason: 'why' });
    await expect(open(url, { client: 'nobody' })).rejects.toMatchObject({
      status: 503,
      body: 'full',
    });
  });

  test('the REST client sends the key and keeps exchanges', async () => {
    const seen: string[] = [];
    const api = createServer((request, response) => {
      response.setHeader('content-type', 'application/problem+json; charset=utf-8');
      response.statusCode = 418;
      response.end(JSON.stringify({ code: `${request.headers.authorization} ${request.url}` }));
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    const rest = new RestClient(`http://127.0.0.1:${(api.address() as AddressInfo).port}`, {
      onExchange: ({ status, path }) => seen.push(`${status} ${path}`),
    });
    const answer = await rest.publish('demo:a', { b: 1 });
    expect(field(answer, 'code')).toBe('Bearer dev-key /channels/demo%3Aa/messages');
    expect(() => field(answer, 'id')).toThrow(/no id/);
    expect(seen).toEqual(['418 /channels/demo%3Aa/messages']);
    await rest.close();
    api.close();
  });
});
