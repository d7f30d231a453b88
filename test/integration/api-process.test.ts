/** The api as a process: start, refusals to start, stop; and Redis that is away or set up otherwise. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, StartError, startFleet } from '../kit/fleet.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { RestClient } from '../kit/rest.js';
import { eventually, within } from '../kit/wait.js';

const EXIT_CONFIG = 78;

let redis: PrivateRedis;
let fleet: Fleet;

beforeAll(async () => {
  redis = await startPrivateRedis();
  fleet = await startFleet({ redisUrl: redis.url, edges: 0 });
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

describe('a start', () => {
  it('on a port that another api has is refused in one line', async () => {
    const port = String(fleet.api().port);
    const error = await fleet.addApi({ HALLEY_API_PORT: port }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartError);
    const { line } = error as StartError;
    expect(line).toContain('HALLEY_API_PORT');
    expect(line).toContain(port);
    expect(line).not.toContain('\n');
    expect((await within(fleet.apis.at(-1)?.exited ?? never(), 'its end')).code).toBe(EXIT_CONFIG);
  });

  it('with bad settings names them all', async () => {
    const env = { HALLEY_API_PORT: '70000', HALLEY_BODY_MAX_BYTES: 'much' };
    const error = await fleet.addApi(env).catch((reason: unknown) => reason);
    expect(String(error)).toContain('HALLEY_API_PORT');
    expect(String(error)).toContain('HALLEY_BODY_MAX_BYTES');
  });

  it('without Redis serves refusals, and calls once Redis is there', async () => {
    const late = await startPrivateRedis();
    await late.kill();
    const api = await fleet.addApi({ REDIS_URL: late.url });
    const client = new RestClient(api.url);
    expect((await client.get('/healthz')).status).toBe(200);
    expect((await client.get('/readyz')).status).toBe(503);
    expect((await client.publish('demo:a', 1)).status).toBe(503);
    await late.restart();
    await eventually(async () => (await client.get('/readyz')).status === 200, 'ready');
    expect((await client.publish('demo:a', 1)).status).toBe(201);
    await client.close();
    expect((await api.terminate()).code).toBe(0);
    await late.stop();
  });

  it('warns of each setting of Redis that differs', async () => {
    const other = await startPrivateRedis({
      settings: [
        'maxmemory-policy allkeys-lru',
        'stream-node-max-bytes 4096',
        'client-output-buffer-limit pubsub 32mb 8mb 60',
      ],
    });
    try {
      const api = await fleet.addApi({ REDIS_URL: other.url });
      for (const setting of [
        'maxmemory-policy',
        'stream-node-max-bytes',
        'client-output-buffer-limit',
      ]) {
        await api.printed(setting);
      }
      expect(fleet.api().output).not.toContain('it should');
      await api.terminate();
    } finally {
      await other.stop();
    }
  });
});

describe('Redis', () => {
  it('may go and come back', async () => {
    const client = new RestClient(fleet.api().url);
    expect((await client.publish('demo:a', 1)).status).toBe(201);
    await redis.kill();
    await eventually(async () => (await client.get('/readyz')).status === 503, 'not ready');
    const refused = await client.publish('demo:a', 1);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    await redis.restart();
    await eventually(async () => (await client.get('/readyz')).status === 200, 'ready again');
    expect((await client.publish('demo:a', 1)).status).toBe(201);
    await client.close();
  });
});

describe('a stop', () => {
  it('finishes the requests that are under way, and takes no new ones', async () => {
    const api = await fleet.addApi();
    const socket = connect(api.port, '127.0.0.1');
    await once(socket, 'connect');
    const body = '{"data":1}';
    const head = [
      'POST /channels/demo:stop/messages HTTP/1.1',
      'host: api',
      'authorization: Bearer dev-key',
      'content-type: application/json',
      `content-length: ${body.length}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
    await eventually(() => socket.bytesWritten > 100, 'half a request');
    await new RestClient(api.url).get('/healthz');
    api.process.kill('SIGTERM');
    await api.printed('stopping');
    const refused = connect(api.port, '127.0.0.1');
    await within(
      once(refused, 'error').catch((error: unknown) => [error]),
      'the refusal',
    );
    const answer = once(socket, 'data');
    socket.write(body.slice(5));
    expect(String((await within(answer, 'the answer'))[0])).toMatch(/^HTTP\/1\.1 201 Created/);
    expect((await within(api.exited, 'its end')).code).toBe(0);
  });
});

function never(): Promise<never> {
  return Promise.reject(new Error('no process was started'));
}
