/** What a client of MegaComet may ask for (adapters/megacomet/PROTOCOL.md); who gets what is in megacomet-queue.test.ts. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { addMegacomet, type MegacometDoor, requestOf } from '../kit/megacomet-client.js';
import { tokenFor, useFleet } from '../kit/use-fleet.js';

const ORIGIN = 'https://page.example';
const GARBAGE = 100;

describe('a request of MegaComet', () => {
  const stack = useFleet({ edges: 0, edgeEnv: { HALLEY_ORIGINS: ORIGIN } });
  let door: MegacometDoor;

  beforeAll(async () => {
    door = await addMegacomet(stack);
  });

  async function publish(client: string, data: unknown): Promise<void> {
    expect(await stack.rest.publishPrivate(client, data)).toMatchObject({ status: 201 });
  }

  /** `<status> <code>` of a refusal, which is held to its form. */
  async function refusal(target: string, at = door, head = 'Host: comet'): Promise<string> {
    const client = await at.send(`GET ${target} HTTP/1.1\r\n${head}\r\n\r\n`);
    const { statusLine, headers, body } = await client.answer();
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('connection')).toBe('close');
    const [, code, reason] = /^([a-z-]+): (.+)\n$/.exec(body.toString()) ?? [];
    expect(reason).toBeDefined();
    return `${statusLine.split(' ')[1]} ${code}`;
  }

  test('M-1 the port is taken: the edge names the setting and does not start', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const start = stack.fleet.addEdge({ HALLEY_MEGACOMET_PORT: String(port) });
    await expect(start).rejects.toThrow(`HALLEY_MEGACOMET_PORT: 127.0.0.1:${port} cannot be`);
    holder.close();
  });

  test.each([
    '/favicon.ico',
    '/healthz',
    '/v1/poll?channel=a',
    '/a',
    '/',
    '/a.j',
    '/a.JS',
    '/a.b.js',
  ])('M-2 %s is closed with no answer', async (target) => {
    const client = await door.send(requestOf(target));
    expect((await client.ended()).toString()).toBe('');
  });

  test.each([
    ['any?x=1', '/any?x=1.js'],
    ['S%C3%BCe', '/S%C3%BCe.js'],
    ['S\u00fce', '/S\u00fce.js'],
    ['killer', '/killer.js?c=0.123&_=5'],
    ['as-json', '/as-json.json'],
    ['a:b,c;d~e+f&g/h', '/a:b,c;d~e+f&g/h.js/more'],
    ['<script>', '/<script>.js'],
    ['x'.repeat(200), `/${'x'.repeat(200)}.js`],
  ])('M-2 M-4 the client %j is asked for by %j', async (name, target) => {
    await publish(name, 'hello');
    expect(await (await door.send(requestOf(target))).message()).toBe('hello');
  });

  test.each(['HEAD', 'POST', 'OPTIONS', 'DELETE'])('M-3 by %s it is the same', async (method) => {
    await publish(method, 'hello');
    const rest = method === 'POST' ? 'Content-Length: 5\r\n\r\nhello' : '\r\n';
    const client = await door.send(`${method} /${method}.js HTTP/1.1\r\nHost: comet\r\n${rest}`);
    expect(await client.message()).toBe('hello');
  });

  test.each([
    ['no byte', '/.js'],
    ['201 bytes', `/${'x'.repeat(201)}.js`],
    ['202 bytes in 101 characters', `/${'\u00fc'.repeat(101)}.js`],
    ['a control character', '/a\u0085b.js'],
  ])('M-4 M-14 an id of %s', async (_what, target) => {
    expect(await refusal(target)).toBe('400 bad-client');
  });

  test.each([[[0xff]], [[0xc3, 0x28]], [[0xed, 0xa0, 0x80]], [[0xc3]]])(
    'M-4 an id that holds the bytes %j, which are no UTF-8',
    async (bytes) => {
      const [head = '', rest = ''] = requestOf('/a|b.js').split('|');
      const request = Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(rest)]);
      const { statusLine, body } = await (await door.send(request)).answer();
      expect(`${statusLine} ${body.toString()}`).toMatch(/ 400 Bad Request bad-client: /);
    },
  );

  test('M-5 names are not trusted: the token must be of the id', async () => {
    const strict = await addMegacomet(stack, { HALLEY_TRUST_CLIENT_IDS: '0' });
    await publish('Sue', 'hello');
    const token = tokenFor('Sue');
    expect(await refusal('/Sue.js', strict)).toBe('401 bad-token');
    expect(await refusal('/Sue.js?token=x.y.z', strict)).toBe('401 bad-token');
    expect(await refusal(`/Tom.js?token=${token}`, strict)).toBe('401 bad-token');
    expect(await refusal(`/Sue.js/?token=${token}`, strict)).toBe('401 bad-token');
    const old = tokenFor('Sue', { ttlSeconds: 1 }, Date.now() - 60_000);
    expect(await refusal(`/Sue.js?token=${old}`, strict)).toBe('401 token-expired');
    const client = await strict.send(requestOf(`/Sue.js?c=1&token=${token}`));
    expect(await client.message()).toBe('hello');
  });

  test('M-5 where names are trusted, a token is still held to its word', async () => {
    expect(await refusal(`/Tom.js?token=${tokenFor('Sue')}`)).toBe('401 bad-token');
    expect(await refusal('/Tom.js?token=')).toBe('401 bad-token');
  });

  test('M-5 pages of other origins are refused', async () => {
    const from = (origin: string) => `Host: comet\r\nOrigin: ${origin}`;
    expect(await refusal('/a.js', door, from('https://other.example'))).toBe('403 origin-refused');
    await publish('page', 'hello');
    const client = await door.send(`GET /page.js HTTP/1.1\r\n${from(ORIGIN)}\r\n\r\n`);
    expect(await client.message()).toBe('hello');
  });

  test.each(['', 'a(b', '1a', 'a.', 'a%20b', '%3Cscript%3E', 'x'.repeat(129)])(
    'M-6 callback=%s is no name of a function',
    async (name) => {
      expect(await refusal(`/a.js?callback=${name}`)).toBe('400 bad-callback');
    },
  );

  test('M-7 the head may be cut at every byte behind the request line', async () => {
    const request = Buffer.from(requestOf('/cut.js?c=1').replace('Host', 'More: of it\r\nHost'));
    for (let at = request.indexOf('\r\n') + 2; at < request.length; at += 1) {
      await publish('cut', at);
      const client = await door.send(request.subarray(0, at));
      await client.sendSegment(request.subarray(at));
      expect(await client.message(), `cut at ${at}`).toBe(String(at));
    }
  });

  test('M-7 the head may come byte by byte', async () => {
    await publish('bytes', 'hello');
    const request = Buffer.from(requestOf('/bytes.js'));
    const first = request.indexOf('\r\n') + 2;
    const client = await door.send(request.subarray(0, first));
    for (const byte of request.subarray(first)) await client.sendSegment(Buffer.of(byte));
    expect(await client.message()).toBe('hello');
  });

  test.each([
    ['HTTP/1.0', 'GET /a.js HTTP/1.0\r\nHost: c\r\n\r\n', 505],
    ['no Host', 'GET /a.js HTTP/1.1\r\nX: y\r\n\r\n', 400],
    ['lines that end with LF', 'GET /a.js HTTP/1.1\nHost: c\n\n', 505],
    ['a space in the path', requestOf('/a b.js'), 505],
    ['NUL in the path', requestOf('/a\0.js'), 505],
    ['17 KiB of head', `GET /a.js HTTP/1.1\r\nX: ${'x'.repeat(17_408)}`, 431],
    ['TLS', '\x16\x03\x01\x00\xc8\x01\x00\x00', 505],
  ])('M-7 %s', async (_what, bytes, status) => {
    const got = await (await door.send(Buffer.from(bytes, 'latin1'))).ended();
    expect(got.toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test('M-7 garbage of many kinds leaves the edge as it was', async () => {
    const before = await door.connections();
    for (let seed = 0; seed < GARBAGE; seed += 1) {
      const garbage = Uint8Array.from({ length: 500 }, (_, at) => at * at * 31 + at * seed + seed);
      const line = seed % 2 === 0 ? '' : `GET /garbage${seed}.js HTTP/1.1\r\n`;
      await (await door.send(Buffer.concat([Buffer.from(line), garbage]))).reset();
    }
    await publish('after', 'hello');
    expect(await (await door.ask('after')).message()).toBe('hello');
    await door.holds(before);
  });

  test('M-8 a second request behind the first closes the connection, and no message is lost', async () => {
    const request = requestOf('/twice.js');
    expect((await (await door.send(request + request)).ended()).toString()).toBe('');
    await publish('twice', 'kept');
    expect((await (await door.send(request + request)).ended()).toString()).toBe('');
    expect(await (await door.ask('twice')).message()).toBe('kept');
  });
});
