/** Apps of MegaComet at the api's port, by real sockets; what they write arrives at clients of the fleet. */

import { Networks } from '@halley/shared/ops';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cut, makeStream, RESYNC } from '../fuzz/megacomet-inputs.js';
import { type Meaning, meaningOf } from '../fuzz/megacomet-model.js';
import { type Fleet, type Service, StartError, startFleet } from '../kit/fleet.js';
import { connectApp, lineFrame, type MegacometApp, messageFrame } from '../kit/megacomet-app.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { freePort } from '../kit/ports.js';
import { Random, seedFrom } from '../kit/random.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { RestClient } from '../kit/rest.js';
import { eventually, within } from '../kit/wait.js';

const MAX_CONNECTIONS = 256;
const QUEUE_MAX_MESSAGES = 600;
const EXIT_CONFIG = 78;
const SEED = seedFrom('FUZZ_SEED', 20_110_528);
const METRIC = 'halley_megacomet_manager_';
const LIMITS = { idMaxBytes: 200, messageMaxBytes: 65_536, lineMaxBytes: 69_632 };

let redis: PrivateRedis;
let fleet: Fleet;
let port: number;
let rest: RestClient;

beforeAll(async () => {
  redis = await startPrivateRedis();
  port = await freePort();
  fleet = await startFleet({
    redisUrl: redis.url,
    config: { queueMaxMessages: QUEUE_MAX_MESSAGES },
    apiEnv: { HALLEY_MEGACOMET_MANAGER_PORT: String(port) },
  });
  rest = new RestClient(fleet.api().url);
});

afterAll(async () => {
  await rest?.close();
  await fleet?.stop();
  await redis?.stop();
});

/** A further api with a manager of its own; its port comes with it. */
async function addManager(env: Record<string, string> = {}) {
  const own = await freePort();
  const api = await fleet.addApi({ HALLEY_MEGACOMET_MANAGER_PORT: String(own), ...env });
  return { api, port: own };
}

/** A metric of the manager, as `dropped_total{reason="bad-frame"}`; 0 where it never counted. */
async function metric(name: string, api: Service = fleet.api()): Promise<number> {
  const page = await (await fetch(`${api.url}/metrics`)).text();
  const line = page.split('\n').find((text) => text.startsWith(`${METRIC}${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

async function counted(name: string, value: number, api?: Service): Promise<void> {
  await eventually(async () => (await metric(name, api)) === value, `${name} is ${value}`);
}

const dropped = (code: string) => `dropped_total{reason="${code}"}`;

/** Private messages that the client has got so far, once there are at least `count`. */
async function received(client: NativeClient, count: number): Promise<{ data: unknown }[]> {
  const what = () => `${count} messages, has ${client.of('private').length}`;
  await client.waitFor(() => client.of('private').length >= count, undefined, 0, what);
  return client.of('private').map(({ data, event }) => ({
    data,
    ...(event !== undefined && { event }),
  }));
}

const listen = (name: string) => connect(fleet.edge().wsUrl, { client: name });

describe('a message', () => {
  test('MM-7, MM-16: arrives at every connection of its client, byte for byte', async () => {
    const clients = [await listen('Sue'), await listen('Sue')];
    const app = await connectApp(port);
    app.send(Buffer.from('\x02Sue\0Hi "Sue" \u00e9\0', 'utf8'));
    for (const client of clients) {
      await received(client, 1);
      expect(client.texts.at(-1)).toMatch(/"data":"Hi \\"Sue\\" \u00e9"\}$/);
      await client.close();
    }
    await app.end();
  });

  test('MM-16: waits in the queue of a client that is away', async () => {
    const app = await connectApp(port);
    app.send(messageFrame('away', 'first'), lineFrame({ id: 'away', message: { n: 2 } }));
    await app.end();
    const client = await listen('away');
    expect(await received(client, 2)).toEqual([{ data: 'first' }, { data: { n: 2 } }]);
    await client.close();
  });

  test('MM-10, MM-20: a line has data as sent, an event, and a key that counts once', async () => {
    const client = await listen('Lin');
    const repeated = await metric('messages_total{outcome="repeated"}');
    const app = await connectApp(port);
    const line = '{"id":"Lin","message":[9223372036854775807, 1.0],"event":"news","key":"k"}\r\n';
    app.send(line, line, messageFrame('Lin', 'end'));
    expect(await received(client, 2)).toMatchObject([{ event: 'news' }, { data: 'end' }]);
    expect(client.texts.join()).toContain('"data":[9223372036854775807, 1.0],"event":"news"');
    await counted('messages_total{outcome="repeated"}', repeated + 1);
    await client.close();
    await app.end();
  });

  test('MM-4: is not answered, whatever it is', async () => {
    const stored = await metric('messages_total{outcome="stored"}');
    const app = await connectApp(port);
    const skipped = await metric('skipped_bytes_total');
    app.send(Buffer.of(1, 7), messageFrame('mute', 'x'), lineFrame({ id: 'mute', message: 1 }));
    app.send(messageFrame('', 'x'), '{"id":1}\n', 'garbage');
    await counted('skipped_bytes_total', skipped + 7);
    await counted('messages_total{outcome="stored"}', stored + 2);
    await app.end();
    expect(app.receivedBytes).toBe(0);
  });

  test('MM-18: to a full queue is dropped, those to others are not', async () => {
    const before = await metric(dropped('queue-full'));
    const app = await connectApp(port);
    const frames = Array.from({ length: QUEUE_MAX_MESSAGES + 3 }, (_, n) =>
      messageFrame('full', `${n}`),
    );
    app.send(...frames, messageFrame('other', 'x'));
    await app.end();
    const client = await listen('other');
    expect(await received(client, 1)).toEqual([{ data: 'x' }]);
    await counted(dropped('queue-full'), before + 3);
    await client.close();
  });
});

describe('a connection', () => {
  test('MM-14, MM-17: keeps the order of many messages to several clients', async () => {
    const names = ['o1', 'o2', 'o3'];
    const clients = await Promise.all(names.map(listen));
    const each = Array.from({ length: 500 }, (_, n) => n);
    const frames = each.flatMap((n) =>
      names.map((id, index) =>
        (n + index) % 2 === 0 ? messageFrame(id, `${n}`) : lineFrame({ id, message: `${n}` }),
      ),
    );
    const app = await connectApp(port);
    app.send(...frames);
    for (const client of clients) {
      expect(await received(client, 500)).toEqual(each.map((n) => ({ data: `${n}` })));
      await client.close();
    }
    await app.end();
  });

  test('MM-21: what came whole before its end is published, the torn frame is counted', async () => {
    const before = await metric(dropped('bad-frame'));
    const app = await connectApp(port);
    app.send(messageFrame('torn', '1'), lineFrame({ id: 'torn', message: 2 }), '\x02torn\x003');
    await app.end();
    const client = await listen('torn');
    expect(await received(client, 2)).toEqual([{ data: '1' }, { data: 2 }]);
    await counted(dropped('bad-frame'), before + 1);
    await client.close();
  });

  test('MM-21: resets within frames leave nothing behind', async () => {
    const before = await metric(dropped('bad-frame'));
    const client = await listen('reset');
    const halves = ['\x02', '\x02reset', '\x02reset\0half', '{"id":"reset","message":1}'];
    for (const [index, half] of halves.entries()) {
      const app = await connectApp(port);
      app.send(messageFrame('reset', `${index}`), half);
      await client.next('private', ({ data }) => data === `${index}`);
      await app.reset();
    }
    await counted(dropped('bad-frame'), before + 4);
    await counted('connections', 0);
    expect(client.of('private')).toHaveLength(4);
    await client.close();
  });

  test('MM-3: beyond the limit is closed at once; a place that gets free is taken', async () => {
    const refused = 'connections_refused_total{reason="too-many"}';
    await counted('connections', 0);
    const apps: MegacometApp[] = [];
    for (let count = 0; count < MAX_CONNECTIONS; count += 1) apps.push(await connectApp(port));
    await counted('connections', MAX_CONNECTIONS);
    const further = await connectApp(port);
    await within(further.closed, 'the further one is closed');
    expect(await metric(refused)).toBe(1);
    await apps.pop()?.end();
    await counted('connections', MAX_CONNECTIONS - 1);
    apps.push(await connectApp(port));
    await counted('connections', MAX_CONNECTIONS);
    await Promise.all(apps.map((app) => app.end()));
    await counted('connections', 0);
    expect(await metric(refused)).toBe(1);
  });
});

describe('random streams', () => {
  const names = ['r1', 'r\u00fc2', 'r.3', 'r4 \u5ba2'];

  /** What each client must get, in order; data that JSON changes on its way is compared as JSON. */
  function expectedOf(frames: readonly Meaning[], name: string) {
    return frames.flatMap((frame) => {
      if (typeof frame === 'string' || frame.clientId !== name) return [];
      const { data, event } = frame;
      return [{ data, ...(event !== undefined && { event }) }];
    });
  }

  test.each(Array.from({ length: 6 }, (_, index) => index))(
    `MM-5 to MM-17: stream %i of seed ${SEED} is published as the model says`,
    async (index) => {
      const random = Random.ofCase(SEED, index);
      const own = names.map((name) => `${name}-${index}`);
      const ends = own.map((name) => messageFrame(name, 'the end'));
      const garbage = makeStream(random, own, LIMITS, 200);
      const stream = Buffer.concat([garbage, RESYNC, ...ends]);
      const clients = await Promise.all(own.map(listen));
      const app = await connectApp(port);
      const longest = random.pick([200, 5_000, 60_000]);
      for (const segment of cut(random, stream, longest)) await app.sendSegment(segment);
      const { frames } = meaningOf(stream, LIMITS);
      for (const [at, client] of clients.entries()) {
        await client.next('private', ({ data }) => data === 'the end');
        const expected = expectedOf(frames, own[at] ?? '');
        expect(await received(client, expected.length)).toEqual(expected);
        expect(expected.length).toBeGreaterThan(5);
        await client.close();
      }
      await app.end();
      expect(app.receivedBytes).toBe(0);
    },
  );

  test('MM-15: a flood of garbage on several connections keeps nobody else waiting', async () => {
    const flood = Buffer.concat(
      Array.from({ length: 5_000 }, () => Buffer.from('?{\n\x02\0\0{\x01')),
    );
    const apps = await Promise.all(Array.from({ length: 4 }, () => connectApp(port)));
    const before = await metric(dropped('bad-client'));
    for (const app of apps) app.send(flood);
    const client = await listen('flooded');
    const app = await connectApp(port);
    app.send(messageFrame('flooded', 'Hi'));
    expect(await received(client, 1)).toEqual([{ data: 'Hi' }]);
    await counted(dropped('bad-client'), before + 20_000);
    await Promise.all([...apps, app].map((one) => one.end()));
    await client.close();
  });
});

describe('the store', () => {
  test('MM-17, MM-19: away for a while: apps are held up, and nothing is lost or out of order', async () => {
    const own = await startPrivateRedis();
    const { api, port: ownPort } = await addManager({ REDIS_URL: own.url });
    const client = new RestClient(api.url);
    await eventually(async () => (await client.get('/readyz')).status === 200, 'ready');
    await own.kill();
    await eventually(async () => (await client.get('/readyz')).status === 503, 'not ready');
    const app = await connectApp(ownPort);
    const filler = 'x'.repeat(60_000);
    const count = 500;
    for (let n = 0; n < count; n += 1) app.send(messageFrame(`held-${n % 5}`, `${n} ${filler}`));
    await eventually(async () => (await metric('retries_total', api)) >= 3, 'retries');
    expect(app.socket.writableLength).toBeGreaterThan(5_000_000);
    await own.restart();
    await counted('messages_total{outcome="stored"}', count, api);
    for (let name = 0; name < 5; name += 1) {
      const answer = await client.get(`/clients/held-${name}/queue?limit=1000`);
      const { messages } = answer.body as { messages: { data: string }[] };
      const got = messages.map(({ data }) => Number(data.split(' ')[0]));
      expect(got).toEqual(Array.from({ length: count / 5 }, (_, n) => 5 * n + name));
    }
    expect(await metric(dropped('unavailable'), api)).toBe(0);
    await app.end();
    await client.close();
    await api.terminate();
    await own.stop();
  });

  test('MM-22: away, an api with messages that wait for it stops all the same', async () => {
    const own = await startPrivateRedis();
    const { api, port: ownPort } = await addManager({ REDIS_URL: own.url });
    const client = new RestClient(api.url);
    await eventually(async () => (await client.get('/readyz')).status === 200, 'ready');
    await own.kill();
    await eventually(async () => (await client.get('/readyz')).status === 503, 'not ready');
    await client.close();
    const apps = await Promise.all(Array.from({ length: 20 }, () => connectApp(ownPort)));
    for (const app of apps) app.send(messageFrame('Sue', 'Hi'));
    await eventually(async () => (await metric('retries_total', api)) > 20, 'retries of all');
    expect((await api.terminate()).code).toBe(0);
    await within(Promise.all(apps.map(({ closed }) => closed)), 'the apps hear of it');
    expect(api.output).toContain('"counts":{"unavailable":19}');
    expect(api.output).not.toContain('Warning');
    await own.stop();
  });
});

describe('the port', () => {
  test('MM-1: is off by default', async () => {
    const api = await fleet.addApi({ HALLEY_MEGACOMET_MANAGER_PORT: '0' });
    const page = await (await fetch(`${api.url}/metrics`)).text();
    expect(page).not.toContain(METRIC);
    await api.terminate();
  });

  test('MM-1: that is taken ends the start with one line that names it', async () => {
    const env = { HALLEY_MEGACOMET_MANAGER_PORT: String(port) };
    const error = await fleet.addApi(env).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartError);
    const { line } = error as StartError;
    expect(line).toBe(
      `api: HALLEY_MEGACOMET_MANAGER_PORT: 127.0.0.1:${port} is taken, or no address of this machine`,
    );
    const exit = fleet.apis.at(-1)?.exited ?? Promise.reject(new Error('no process'));
    expect((await within(exit, 'its end')).code).toBe(EXIT_CONFIG);
  });

  test('MM-2, MM-23, MM-24: an address that is not allowed is closed at once, and told', async () => {
    const manager = await addManager({ HALLEY_MEGACOMET_ALLOW: '10.0.0.0/8,::1' });
    const before = await metric('messages_total{outcome="stored"}', manager.api);
    const app = await connectApp(manager.port);
    app.send(messageFrame('Sue', 'Hi'));
    await within(app.closed, 'it is closed');
    await counted('connections_refused_total{reason="not-allowed"}', 1, manager.api);
    expect(await metric('messages_total{outcome="stored"}', manager.api)).toBe(before);
    await manager.api.printed(/"reason":"not-allowed","example":"127\.0\.0\.1"/);
    await manager.api.terminate();
  });

  test('MM-2: an IPv4 address is the same one where it comes as an IPv6 address', () => {
    expect(new Networks(['127.0.0.1']).includes('::ffff:127.0.0.1')).toBe(true);
    expect(new Networks(['127.0.0.1']).includes('::ffff:127.0.0.2')).toBe(false);
  });

  test('MM-22: of an api that stops amid a stream leaves no hole in what it published', async () => {
    const manager = await addManager();
    const client = await listen('stopped');
    const app = await connectApp(manager.port);
    const others = Array.from({ length: 19 }, (_, n) => messageFrame(`other-${n}`, 'x'));
    const frames = Array.from({ length: 500 }, (_, n) => [
      messageFrame('stopped', `${n}`),
      ...others,
    ]);
    app.send(...frames.flat());
    await received(client, 1);
    expect((await manager.api.terminate()).code).toBe(0);
    await rest.publishPrivate('stopped', 'the end');
    await client.next('private', ({ data }) => data === 'the end');
    const published = client.of('private').slice(0, -1);
    expect(published.map(({ data }) => data)).toEqual(published.map((_, n) => `${n}`));
    await client.close();
  });

  test('MM-22: of a stopping api takes nobody; open connections end', async () => {
    const manager = await addManager();
    const idle = await connectApp(manager.port);
    const half = await connectApp(manager.port);
    half.send('\x02half');
    await counted('connections', 2, manager.api);
    expect((await manager.api.terminate()).code).toBe(0);
    await within(Promise.all([idle.closed, half.closed]), 'they are closed');
    await expect(connectApp(manager.port)).rejects.toThrow('ECONNREFUSED');
  });
});
