/** Real clients behind a real nginx and a real HAProxy with the files of infra/proxy. */

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ask, httpUrl, openPush, poll, pollByScript } from '../kit/http-wires.js';
import { connect, open } from '../kit/native-client.js';
import { checkSample, type ReverseProxy, type Sample, startProxy } from '../kit/proxies.js';
import { getText, RawHttp } from '../kit/raw-http.js';
import { field, RestClient } from '../kit/rest.js';
import { channelIn, type FleetUnderTest, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const CONFIG = { namespaces: { open: OPEN } };
const TRUSTING = {
  HALLEY_TRUSTED_PROXIES: '127.0.0.1',
  HALLEY_TRUST_CLIENT_IDS: '1',
  HALLEY_ORIGINS: 'same-host',
};
/** Long enough for a health check to see that an edge leaves while it still takes new connections. */
const OPEN_DRAIN = { HALLEY_DRAIN_GRACE_MS: '8000', HALLEY_DRAIN_SECONDS: '9' };
/** It takes no new connections, and refuses what comes on those it has. */
const DEAF_DRAIN = { HALLEY_DRAIN_GRACE_MS: '0', HALLEY_DRAIN_SECONDS: '9' };
/** With the rest of the head, and what a proxy adds, just below the 16 KiB that an edge reads. */
const HEAD_FILLER_BYTES = 15_800;
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

test.each<Sample>(['nginx.conf', 'icomet-nginx.conf', 'haproxy.cfg'])(
  'the program itself takes %s without a warning',
  async (sample) => {
    const { code, output } = await checkSample(sample);
    expect(output).not.toMatch(/warn|alert|emerg/i);
    expect(code).toBe(0);
  },
);

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

  test('a page of the same host may connect', async () => {
    const socket = await connect(proxy.wsUrl(), { origin: proxy.url('browsers') });
    expect(await socket.welcomed()).toMatchObject({ type: 'welcome' });
    await socket.close();
    const strange = await open(proxy.wsUrl(), { origin: 'http://strange.example' });
    expect(await strange.closed).toMatchObject({
      reason: expect.stringMatching(/^origin-refused/),
    });
  });

  test('a head as large as an edge reads passes', async () => {
    const cookie = `filler=${'x'.repeat(HEAD_FILLER_BYTES)}`;
    const { status } = await ask(url('/v1/poll', { channel: channelIn('open') }), {
      headers: { cookie },
    });
    expect(status).toBe(200);
  });

  test('a body as large as the api reads passes', async () => {
    const backend = new RestClient(proxy.url('backends'));
    const message = { channel: channelIn('open'), data: 'x'.repeat(60_000) };
    const { status, text } = await backend.post('/messages', {
      messages: Array.from({ length: 100 }, () => message),
    });
    expect(text.slice(0, 200)).not.toContain('<html>');
    expect(status).toBe(200);
    await backend.close();
  });
});

describe.each<[Sample, Record<string, string>]>([
  ['nginx.conf', DEAF_DRAIN],
  ['haproxy.cfg', OPEN_DRAIN],
])('an edge that leaves behind %s', (sample, drain) => {
  const stack = useFleet({ edges: 2, config: CONFIG, edgeEnv: { ...TRUSTING, ...drain } });
  let proxy: ReverseProxy;

  beforeAll(async () => {
    proxy = await startProxy(sample, targetsOf(stack));
  });
  afterAll(() => proxy?.stop());

  const pollOnce = async () =>
    (await ask(httpUrl(proxy.wsUrl(), '/v1/poll', { channel: channelIn('open') }))).status;

  async function edgeOf(wsUrl: string): Promise<string | undefined> {
    const clientId = channelIn('visitor');
    const client = await connect(wsUrl, { client: clientId });
    const shown = await eventually(async () => {
      const { body } = await stack.rest.get(`/clients/${clientId}`);
      return (body as { connections?: { edgeId: string }[] }).connections?.[0];
    }, 'the client is there');
    await client.close();
    return shown.edgeId;
  }

  test('is not asked any more, nor after its end', async () => {
    // Its session keeps the leaving edge alive.
    const held = await connect(stack.ws(0));
    const [leaving, staying] = [await edgeOf(stack.ws(0)), await edgeOf(stack.ws(1))];
    expect(leaving).not.toBe(staying);
    // Both are in the rotation, and nginx has idle connections to both.
    const visited = new Set<string | undefined>();
    await eventually(async () => {
      visited.add(await edgeOf(proxy.wsUrl()));
      return visited.size === 2;
    }, 'both edges are visited');
    for (let turn = 0; turn < 4; turn += 1) expect(await pollOnce()).toBe(200);

    stack.edge(0).process.kill('SIGTERM');
    if (sample === 'haproxy.cfg') {
      await proxy.process.printed(/Server edges\/edges1 is DOWN/);
      // By its check alone: the edge still takes whoever comes.
      expect((await ask(httpUrl(stack.ws(0), '/healthz'))).status).toBe(200);
      expect(await edgeOf(stack.ws(0))).toBe(leaving);
      for (let turn = 0; turn < 10; turn += 1) expect(await edgeOf(proxy.wsUrl())).toBe(staying);
    } else {
      const isDeaf = () =>
        ask(httpUrl(stack.ws(0), '/healthz')).then(
          () => false,
          () => true,
        );
      await eventually(isDeaf, 'the edge listens no more');
      for (let turn = 0; turn < 10; turn += 1) expect(await pollOnce()).toBe(200);
    }
    expect(stack.edge(0).isRunning).toBe(true);
    await held.close();
    await within(stack.edge(0).exited, 'the edge is gone');
    for (let turn = 0; turn < 10; turn += 1) {
      expect(await pollOnce()).toBe(200);
      expect(await edgeOf(proxy.wsUrl())).toBe(staying);
    }
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

  // infra/proxy/README.md and docs/uws.md say so. Where this fails, the build of uWebSockets.js has been
  // mended: HAProxy can have its `send-proxy-v2`.
  test('a PROXY v2 header in a segment of its own is refused', async () => {
    const raw = await RawHttp.open(stack.edge().port);
    raw.send(proxyHead(FORGED_ADDRESS));
    await within(raw.closed, 'the edge ends the connection');
    expect(raw.received).toMatch(/^HTTP\/1\.1 505 /);
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
