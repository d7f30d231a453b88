/** What an edge lets one peer have: connections, channels, frames a second. */

import { beforeAll, describe, expect, test } from 'vitest';
import { DpsPort } from '../kit/dps-client.js';
import type { EdgeProcess } from '../kit/fleet.js';
import { ask, httpUrl, openPush } from '../kit/http-wires.js';
import { addMegacomet } from '../kit/megacomet-client.js';
import { connect, type NativeClient, open, UpgradeRefused } from '../kit/native-client.js';
import { getText, rawRequest } from '../kit/raw-http.js';
import { counterOf, OPEN } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const stack = useFleet({
  edges: 0,
  config: { namespaces: { open: OPEN, ic: { ...OPEN, icomet: true } } },
  env: { HALLEY_TRUSTED_PROXIES: '127.0.0.1', HALLEY_POLL_PRESENCE_MS: '100' },
});

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

async function closedWith(client: Promise<NativeClient>): Promise<string> {
  const { code, reason } = await within((await client).closed, 'the edge closes the connection');
  return `${code} ${reason.split(':')[0]}`;
}

function expectLater(value: string | string[] | undefined): void {
  expect(Number(value)).toBeGreaterThanOrEqual(1);
  expect(Number(value)).toBeLessThanOrEqual(3);
}

describe('connections', () => {
  let edge: EdgeProcess;
  let clients: NativeClient[] = [];

  beforeAll(async () => {
    const megacomet = await addMegacomet(stack, {
      HALLEY_EDGE_MAX_CONNECTIONS: '6',
      HALLEY_CLIENT_MAX_CONNECTIONS: '2',
      HALLEY_ADDRESS_MAX_CONNECTIONS: '4',
    });
    edge = megacomet.edge;
    megacometPort = megacomet.port;
  });
  let megacometPort = 0;

  const enter = async (options: Parameters<typeof connect>[1]) => {
    const client = await connect(edge.wsUrl, options);
    clients.push(client);
    return client;
  };
  /** Until the edge has noticed. */
  const leave = async () => {
    await Promise.all(clients.map((client) => client.close()));
    clients = [];
    const isEmpty = async () => (await counterOf(edge, 'halley_connections')) === 0;
    await eventually(isEmpty, 'nobody is connected');
  };
  const get = (path: string, address: string, query: Record<string, string> = {}) =>
    ask(httpUrl(edge.wsUrl, path, query), { ...from(address), deadlineMs: 5_000 });

  test('N-42 H-40 M-34 of one client: more are refused, and one that leaves makes room', async () => {
    await enter({ client: 'ann', ...from('192.0.2.1') });
    const second = await enter({ client: 'ann', ...from('192.0.2.2') });
    const third = open(edge.wsUrl, { client: 'ann', ...from('192.0.2.3') });
    expect(await closedWith(third)).toBe('4101 too-many-connections');
    for (const path of ['/v1/sse', '/v1/stream', '/v1/poll']) {
      const answer = await get(path, '192.0.2.3', { channel: 'open:a', client: 'ann' });
      expect(answer).toMatchObject({ status: 429 });
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'too-many-connections' });
      expectLater(answer.headers['retry-after']);
    }
    const parked = await rawRequest(megacometPort, getText('/ann.js'));
    expect(parked.statusLine).toBe('HTTP/1.1 429 Too Many Requests');
    expectLater(parked.headers.get('retry-after'));
    // Whoever has no channel of its own and is answered at once is not counted by name.
    const frame = JSON.stringify({ type: 'publish', ref: 1, channel: 'open:a', data: 1 });
    const posted = httpUrl(edge.wsUrl, '/v1/frames', { client: 'ann' });
    expect(await ask(posted, { method: 'POST', body: frame })).toMatchObject({ status: 200 });

    clients = clients.filter((client) => client !== second);
    await second.close();
    await eventually(async () => {
      const client = await open(edge.wsUrl, { client: 'ann', ...from('192.0.2.3') });
      clients.push(client);
      return Promise.race([client.welcomed().then(() => true), client.closed.then(() => false)]);
    }, 'one of the two has left');
    await leave();
  });

  test('N-43 H-40 D-6 I-24 M-34 of one address: nobody looks at the token of one more', async () => {
    for (let host = 1; host <= 4; host += 1) await enter(from(`2001:db8::${host}`));
    const address = '2001:db8::ffff:5';
    const refused = open(edge.wsUrl, { token: 'no token', ...from(address) });
    expect(await closedWith(refused)).toBe('4101 too-many-connections');
    for (const path of ['/v1/sse', '/v1/poll', '/icomet/sub']) {
      const answer = await get(path, address, { channel: 'open:a', cname: 'ic:a' });
      expect(answer).toMatchObject({ status: 429 });
      expectLater(answer.headers['retry-after']);
    }
    const head = [`X-Forwarded-For: ${address}`];
    const polled = await new DpsPort(edge.port).poll({ channels: 'open:a', session: 's' }, head);
    expect(polled.statusLine).toBe('HTTP/1.1 429 Too Many Requests');
    expect(polled.body).toBe('{"error" : "too_many_connections"}\n');
    const parked = await rawRequest(megacometPort, getText('/bob.js', head));
    expect(parked.statusLine).toBe('HTTP/1.1 429 Too Many Requests');
    // Of the next network.
    await enter(from('2001:db8:0:1::1'));
    await leave();
  });

  test('N-44 H-40 of the edge: an upgrade is refused, and a request, by 503', async () => {
    for (let host = 1; host <= 6; host += 1) await enter(from(`192.0.2.${host}`));
    const before = await counterOf(edge, 'halley_refusals_total');
    const refused = await open(edge.wsUrl, from('192.0.2.7')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UpgradeRefused);
    expect(refused).toMatchObject({ status: 503 });
    expectLater((refused as UpgradeRefused).headers['retry-after']);
    const answer = await get('/v1/sse', '192.0.2.7', { channel: 'open:a' });
    expect(answer).toMatchObject({ status: 503 });
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'edge-full' });
    expect(await counterOf(edge, 'halley_refusals_total')).toBe(before + 2);
    await leave();
    const after = await openPush(httpUrl(edge.wsUrl, '/v1/sse', { channel: 'open:a' }));
    after.close();
  });
});

test('N-45 channels of an edge: a subscribe to one more is refused, and junk makes room soon', async () => {
  const edge = await stack.fleet.addEdge({ HALLEY_EDGE_MAX_CHANNELS: '20' });
  const client = await connect(edge.wsUrl);
  const kept = channelIn('open');
  await client.subscribe(kept);
  let refused = 0;
  for (let name = 0; name < 60; name += 1) {
    const channel = `open:junk-${name}`;
    const answer = await client.request({ type: 'subscribe', channel });
    if (answer.type === 'error') {
      expect(answer).toMatchObject({ code: 'edge-full', channel });
      expect(answer.retryAfterMs).toBeGreaterThanOrEqual(1_000);
      refused += 1;
    } else await client.unsubscribe(channel);
    expect(await counterOf(edge, 'halley_channels')).toBeLessThanOrEqual(20);
  }
  expect(refused).toBeGreaterThan(0);
  // Far sooner than the minute that a channel lingers where there is room.
  await eventually(async () => {
    const answer = await client.request({ type: 'subscribe', channel: 'open:wanted' });
    return answer.type === 'subscribed';
  }, 'the empty channels have gone');
  await stack.rest.publish(kept, 'still here');
  await client.waitForMessages(kept, 1);
});

describe('frames a second', () => {
  let edge: EdgeProcess;

  beforeAll(async () => {
    edge = await stack.fleet.addEdge({
      HALLEY_RATE_PUBLISH: '5',
      HALLEY_RATE_PUBLISH_BURST: '5',
      HALLEY_RATE_READ: '1',
      HALLEY_RATE_READ_BURST: '1',
      HALLEY_RATE_OTHER: '10',
      HALLEY_RATE_OTHER_BURST: '10',
      HALLEY_RATE_CUT_REFUSALS: '20',
    });
  });

  test('N-46 a class has its burst; one more is refused with the time to wait, and nothing done', async () => {
    const client = await connect(edge.wsUrl);
    const channel = channelIn('open');
    const publish = { type: 'publish', channel, data: 1 };
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.request(publish)));
    expect(answers.map(({ type }) => type).sort()).toEqual([
      ...Array(3).fill('error'),
      ...Array(5).fill('published'),
    ]);
    const refused = answers.find((answer) => answer.type === 'error');
    expect(refused).toMatchObject({ code: 'rate-limited', channel });
    expect((refused as { retryAfterMs?: number }).retryAfterMs).toBeLessThanOrEqual(200);
    // Other classes are not touched; theirs have their own.
    const read = { type: 'history', channel };
    expect(await client.ask(read, 'history')).toMatchObject({ messages: { length: 5 } });
    expect(await client.request(read)).toMatchObject({ code: 'rate-limited' });
    const again = async () => (await client.request(publish)).type === 'published';
    await eventually(again, 'after the time it passes');
    expect(client.socket.readyState).toBe(client.socket.OPEN);
  });

  test('N-46 a resume of 128 channels passes, and another right after it', async () => {
    const client = await connect(edge.wsUrl);
    const names = Array.from({ length: 128 }, (_, index) => `open:many-${index}`);
    for (const type of ['subscribe', 'unsubscribe', 'subscribe']) {
      const had = client.frames.length;
      client.send(names.map((channel, ref) => ({ type, ref, channel })));
      const isWhole = () => client.frames.length - had >= 128;
      await client.waitFor(isWhole, undefined, had, `128 answers to ${type}`);
    }
    expect(client.of('error')).toEqual([]);
  });

  test.each([
    ['publishes', JSON.stringify({ type: 'publish', ref: 1, channel: 'open:flood', data: 1 })],
    ['what is no frame', '{'],
  ])('N-47 who goes on in spite of refusals is cut: %s', async (_, text) => {
    const client = await connect(edge.wsUrl);
    for (let sent = 0; sent < 200; sent += 1) client.sendText(text);
    const { code, reason } = await within(client.closed, 'the edge has had enough');
    expect(`${code} ${reason}`).toBe('4103 rate-limited');
    expect(client.of('error').filter((error) => error.code === 'rate-limited')).toHaveLength(21);
  });

  test('H-41 D-34 frames by POST count by the name of the client, else by the address', async () => {
    const body = JSON.stringify({ type: 'publish', ref: 'r', channel: 'open:posted', data: 1 });
    const post = (query: Record<string, string>, address: string) =>
      ask(httpUrl(edge.wsUrl, '/v1/frames', query), { method: 'POST', body, ...from(address) });
    for (const query of [{ client: 'poster' }, {}]) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => post(query as Record<string, string>, '192.0.2.9')),
      );
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThan(0);
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(5);
      expect(JSON.parse(refused[0]?.text ?? '')).toMatchObject({ code: 'rate-limited', ref: 'r' });
      expect(refused[0]?.headers['retry-after']).toBe('1');
    }
    expect(await post({ client: 'other' }, '192.0.2.9')).toMatchObject({ status: 200 });
    expect(await post({}, '192.0.2.10')).toMatchObject({ status: 200 });
    const pushed = await Promise.all(
      Array.from({ length: 8 }, () =>
        new DpsPort(edge.port).push({ channel: 'open:pushed' }, '1', [
          'X-Forwarded-For: 192.0.2.11',
        ]),
      ),
    );
    const late = pushed.find(({ statusLine }) => statusLine.includes('429'));
    expect(late?.body).toBe('{"error" : "rate_limited"}\n');
  });
});
