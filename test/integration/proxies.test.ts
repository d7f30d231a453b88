/** Real clients behind a real nginx and a real HAProxy with the files of infra/proxy. */

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ask, httpUrl, openPush, poll, pollByScript } from '../kit/http-wires.js';
import { connect } from '../kit/native-client.js';
import { checkSample, type ReverseProxy, type Sample, startProxy } from '../kit/proxies.js';
import { getText, RawHttp } from '../kit/raw-http.js';
import { field, RestClient } from '../kit/rest.js';
import { channelIn, type FleetUnderTest, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const CONFIG = { namespaces: { open: OPEN } };
const TRUSTING = { HALLEY_TRUSTED_PROXIES: '127.0.0.1', HALLEY_TRUST_CLIENT_IDS: '1' };
/** Where clients come from who are no proxies: as good as any other address, and always there. */
const CLIENT_ADDRESS = '127.0.0.77';
const FORGED_ADDRESS = '203.0.113.66';

async function addressOf(stack: FleetUnderTest, clientId: string): Promise<string | undefined> {
  const { body } = await stack.rest.get(`/clients/${clientId}`);
  return (body as { connections?: { address: string }[] }).connections?.[0]?.address;
}

function targetsOf(stack: FleetUnderTest) {
  return {
    edges: stack.fleet.edges.map(({ port }) => `127.0.0.1:${port}`),
    api: `127.0.0.1:${stack.fleet.api().port}`,
  };
}

test.each<[Sample, RegExp]>([
  ['nginx.conf', /test is successful/],
  ['icomet-nginx.conf', /test is successful/],
  ['haproxy.cfg', /Configuration file is valid|^$/],
])('the program itself takes %s', async (sample, verdict) => {
  expect((await checkSample(sample)).trim()).toMatch(verdict);
});

describe.each<Sample>(['nginx.conf', 'haproxy.cfg'])('behind %s', (sample) => {
  const stack = useFleet({ edges: 2, config: CONFIG, edgeEnv: TRUSTING });
  let proxy: ReverseProxy;

  beforeAll(async () => {
    proxy = await startProxy(sample, targetsOf(stack));
    const isUp = async () => (await ask(new URL('/readyz', proxy.url('browsers')))).status === 200;
    await eventually(isUp, 'the edges are in the rotation');
  });
  afterAll(() => proxy?.stop());

  const url = (path: string, query: Record<string, string | number>) =>
    httpUrl(proxy.wsUrl(), path, query);

  test('every native wire passes, and nothing is held back', async () => {
    const channel = channelIn('open');
    const socket = await connect(proxy.wsUrl());
    await socket.subscribe(channel);
    const pushes = await Promise.all(
      ['/v1/sse', '/v1/stream'].map((path) => openPush(url(path, { channel }))),
    );
    for (const push of pushes) await push.next('subscribed');
    const { cursor } = await poll(url('/v1/poll', { channel }));
    const parked = poll(url('/v1/poll', { channel, cursor, wait: 30 }));
    const backend = new RestClient(proxy.url('backends'));
    const id = field(await backend.publish(channel, 'through'), 'id');
    expect(await socket.next('message')).toMatchObject({ id, data: 'through' });
    // The answers go on: what came was not kept until their end.
    for (const push of pushes) expect(await push.next('message')).toMatchObject({ id });
    expect((await parked).frames).toMatchObject([{ type: 'message', id }]);
    const script = await pollByScript(url('/v1/poll', { channel, last: 1 }));
    expect(script.frames.at(-1)).toMatchObject({ id });
    for (const push of pushes) push.close();
    await socket.close();
    await backend.close();
  });

  test('a frame that is posted is published', async () => {
    const channel = channelIn('open');
    const socket = await connect(proxy.wsUrl());
    await socket.subscribe(channel);
    const { statusCode, body } = await request(url('/v1/frames', {}), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'publish', ref: 1, channel, data: 'posted' }),
    });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(await socket.next('message')).toMatchObject({ data: 'posted' });
    await socket.close();
  });

  test('the address is the client that the proxy saw; what the client says moves nothing', async () => {
    const clientId = channelIn('walter');
    const socket = new WebSocket(`${proxy.wsUrl()}?client=${clientId}`, {
      localAddress: CLIENT_ADDRESS,
      headers: { 'X-Forwarded-For': FORGED_ADDRESS, Forwarded: `for=${FORGED_ADDRESS}` },
    });
    await once(socket, 'open');
    const address = await eventually(() => addressOf(stack, clientId), 'the client is there');
    expect(address).toBe(CLIENT_ADDRESS);
    socket.close();
    await once(socket, 'close');
  });

  test('the address of an HTTP client too', async () => {
    const clientId = channelIn('hedwig');
    const raw = await RawHttp.open(Number(new URL(proxy.url('browsers')).port), CLIENT_ADDRESS);
    raw.send(getText(`/v1/sse?client=${clientId}`, [`X-Forwarded-For: ${FORGED_ADDRESS}`]));
    await raw.bodyWith('welcome');
    expect(await addressOf(stack, clientId)).toBe(CLIENT_ADDRESS);
    raw.close();
  });

  test('an edge that leaves is not asked any more; its clients find another', async () => {
    const channel = channelIn('open');
    const before = await connect(proxy.wsUrl());
    await before.subscribe(channel);
    const exits = [stack.fleet.edge(0).terminate()];
    await exits[0];
    for (let turn = 0; turn < 10; turn += 1) {
      const client = await connect(proxy.wsUrl());
      expect(await client.welcomed()).toMatchObject({ type: 'welcome' });
      await client.close();
      expect((await ask(url('/v1/poll', { channel }))).status).toBe(200);
    }
    await before.close();
  });
});

describe('behind HAProxy by PROXY v2', () => {
  const stack = useFleet({ config: CONFIG, edgeEnv: TRUSTING });
  let proxy: ReverseProxy;

  beforeAll(async () => {
    proxy = await startProxy('haproxy.cfg', targetsOf(stack));
    const ready = new URL('/readyz', proxy.url('byProxyProtocol'));
    await eventually(async () => (await ask(ready)).status === 200, 'the edge is in the rotation');
  });
  afterAll(() => proxy?.stop());

  test('the address is that of the PROXY header; what the client says moves nothing', async () => {
    const clientId = channelIn('pia');
    const socket = new WebSocket(`${proxy.wsUrl('byProxyProtocol')}?client=${clientId}`, {
      localAddress: CLIENT_ADDRESS,
      headers: { 'X-Forwarded-For': FORGED_ADDRESS },
    });
    await once(socket, 'open');
    const address = await eventually(() => addressOf(stack, clientId), 'the client is there');
    expect(address).toBe(CLIENT_ADDRESS);
    socket.close();
    await once(socket, 'close');
  });
});

describe('whose word counts', () => {
  const stack = useFleet({ config: CONFIG, edgeEnv: TRUSTING });

  /** The head of PROXY v2 for TCP over IPv4. */
  function proxyHead(source: string): Buffer {
    const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
    const addresses = [source, '127.0.0.1'].flatMap((text) => text.split('.').map(Number));
    const ports = Buffer.from([0x12, 0x34, 0x1f, 0x90]);
    return Buffer.concat([
      signature,
      Buffer.from([0x21, 0x11, 0, 12]),
      Buffer.from(addresses),
      ports,
    ]);
  }

  async function addressBy(clientId: string, from: string, head: Buffer, headers: string[]) {
    const raw = await RawHttp.open(stack.edge().port, from);
    const text = getText(`/v1/sse?client=${clientId}`, headers);
    raw.send(Buffer.concat([head, Buffer.from(text)]));
    await raw.bodyWith('welcome');
    const address = await addressOf(stack, clientId);
    raw.close();
    return address;
  }
  const NONE = Buffer.alloc(0);
  const FORGED = [`X-Forwarded-For: ${FORGED_ADDRESS}`];

  test('a header of a stranger moves nothing, one of a trusted proxy does', async () => {
    expect(await addressBy('ada', CLIENT_ADDRESS, NONE, FORGED)).toBe(CLIENT_ADDRESS);
    expect(await addressBy('ben', '127.0.0.1', NONE, FORGED)).toBe(FORGED_ADDRESS);
  });

  test('the same with PROXY v2', async () => {
    const head = proxyHead(FORGED_ADDRESS);
    expect(await addressBy('cleo', CLIENT_ADDRESS, head, [])).toBe(CLIENT_ADDRESS);
    expect(await addressBy('dora', '127.0.0.1', head, [])).toBe(FORGED_ADDRESS);
  });
});

describe("iComet's own snippet", () => {
  test('takes the prefix away and asks by HTTP/1.1', async () => {
    const asked: string[] = [];
    const server = createServer((socket: Socket) => {
      socket.once('data', (bytes) => {
        asked.push(bytes.toString().split('\r\n', 1)[0] ?? '');
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const target = `127.0.0.1:${port}`;
    const proxy = await startProxy('icomet-nginx.conf', { edges: [target], api: target });
    const got = await ask(new URL('/icomet/sub?cname=12&seq=1', proxy.url('browsers')));
    expect(got.text).toBe('ok');
    expect(asked).toContain('GET /sub?cname=12&seq=1 HTTP/1.1');
    await proxy.stop();
    server.close();
  });

  const stack = useFleet({ config: CONFIG });

  test('streams and polls pass', async () => {
    const cname = channelIn('open');
    const proxy = await startProxy('icomet-nginx.conf', targetsOf(stack));
    const { port } = new URL(proxy.url('browsers'));
    const stream = await RawHttp.open(Number(port));
    stream.send(getText(`/icomet/stream?cname=${cname}`));
    await stream.bodyWith('next_seq');
    await stack.rest.publish(cname, 'through');
    expect((await stream.bodyWith('through')).isWhole).toBe(false);
    const polled = await ask(new URL(`/icomet/poll?cname=${cname}&seq=1`, proxy.url('browsers')));
    expect(JSON.parse(polled.text)).toMatchObject([{ seq: 1, content: 'through' }]);
    stream.close();
    await within(proxy.stop(), 'nginx ends');
  });
});
