import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readSdk } from '@halley/edge/dist/adapters/assets/files.js';
import { describe, expect, test } from 'vitest';
import { ask, type Got, httpUrl } from '../kit/http-wires.js';
import { connect } from '../kit/native-client.js';
import { getText, RawHttp, rawRequest } from '../kit/raw-http.js';
import { channelIn, type FleetUnderTest, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const SDK = readFileSync(new URL('../../libs/sdk/dist/sdk.js', import.meta.url));
const BODY_MAX_BYTES = 4_096;
/** Of the documentation networks: nobody's address. */
const ELSEWHERE = '203.0.113.9';

const ofEdge = (stack: FleetUnderTest, path: string) => httpUrl(stack.ws(), path);

/** A request with exact headers; the edge answers each on a connection of its own. */
function raw(stack: FleetUnderTest, method: string, path: string, headers: readonly string[] = []) {
  const text = getText(path, headers).replace(/^GET/, method);
  return rawRequest(stack.edge().port, text);
}

describe('/sdk.js', () => {
  const stack = useFleet();

  test('is the built file, for scripts of every origin', async () => {
    const { status, headers, text } = await ask(ofEdge(stack, '/sdk.js'));
    expect(status).toBe(200);
    expect(text).toBe(SDK.toString());
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=3600',
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
    });
    expect(headers['content-encoding']).toBeUndefined();
    expect(headers.etag).toMatch(/^"[\w-]{20,}"$/);
  });

  test.each([
    ['gzip', true],
    ['deflate, br, GZIP;q=0.5', true],
    ['*', true],
    ['br, gzip;q=0', false],
    ['gzip;q=0, *', false],
    ['br', false],
    ['', false],
  ])('Accept-Encoding %j: compressed is %j', async (accepted, isCompressed) => {
    const response = await fetchBytes(stack, accepted);
    expect(response.encoding).toBe(isCompressed ? 'gzip' : undefined);
    const bytes = isCompressed ? gunzipSync(response.bytes) : response.bytes;
    expect(bytes.equals(SDK)).toBe(true);
    if (isCompressed) expect(response.bytes.byteLength).toBeLessThan(SDK.byteLength / 2);
  });

  test('each form has a tag of its own; whoever has it gets 304 without a body', async () => {
    const plain = await etagOf(stack, []);
    const gzip = await etagOf(stack, ['Accept-Encoding: gzip']);
    expect(plain).not.toBe(gzip);
    const matching: [string, string[]][] = [
      [plain, []],
      [`"other", W/${plain}`, []],
      ['*', []],
      [gzip, ['Accept-Encoding: gzip']],
    ];
    for (const [tag, headers] of matching) {
      const head = await bareHead(stack, 'GET', [...headers, `If-None-Match: ${tag}`]);
      expect([tag, head.slice(0, 12)]).toEqual([tag, 'HTTP/1.1 304']);
      expect(head).toContain(`ETag: ${headers.length > 0 ? gzip : plain}`);
      expect(head).toContain('Cache-Control: public, max-age=3600');
    }
    for (const tag of [gzip, '"other"', plain.slice(1)]) {
      const { statusLine } = await raw(stack, 'GET', '/sdk.js', [`If-None-Match: ${tag}`]);
      expect([tag, statusLine]).toEqual([tag, 'HTTP/1.1 200 OK']);
    }
  });

  test('HEAD has the head of GET and nothing after it', async () => {
    const head = await bareHead(stack, 'HEAD', []);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toContain(`ETag: ${await etagOf(stack, [])}`);
    expect(/Content-Length: (\d+)/i.exec(head)?.[1]).toBe(String(SDK.byteLength));
  });

  test('other methods get 405', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const { statusLine, headers } = await raw(stack, method, '/sdk.js', ['Content-Length: 0']);
      expect([method, statusLine]).toEqual([method, 'HTTP/1.1 405 Method Not Allowed']);
      expect(headers.get('allow')).toBe('GET, HEAD');
    }
  });

  test('where it was not built, the start says what to do', () => {
    const missing = new URL('no-such-sdk.js', import.meta.url).href;
    expect(() => readSdk(missing)).toThrow(/npm run build/);
  });
});

describe('/demo', () => {
  const stack = useFleet({ env: { HALLEY_TRUSTED_PROXIES: '127.0.0.1' } });

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(ofEdge(stack, path), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  const codeOf = ({ status, text }: Got) => [status, (JSON.parse(text) as { code: string }).code];

  test('a page that loads nothing from elsewhere, and nothing inline', async () => {
    const { status, headers, text } = await ask(ofEdge(stack, '/demo'));
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = String(headers['content-security-policy']);
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'"]) {
      expect(policy.split('; ')).toContain(part);
    }
    expect(policy).not.toMatch(/unsafe|https?:/);
    expect(text).not.toMatch(/ on\w+=| style=|<style|<script>|src="http|href="http/);
    for (const [, path] of text.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      expect([path, (await ask(ofEdge(stack, String(path)))).status]).toEqual([path, 200]);
    }
  });

  test('its modules are there, and are asked for anew', async () => {
    const { text } = await ask(ofEdge(stack, '/demo/main.js'));
    const names = [...text.matchAll(/from '\.\/([\w-]+\.js)'/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(3);
    for (const name of [...names, 'demo.css']) {
      const { status, headers } = await ask(ofEdge(stack, `/demo/${name}`));
      expect([name, status]).toEqual([name, 200]);
      expect(headers['cache-control']).toBe('no-cache');
    }
    expect((await ask(ofEdge(stack, '/demo/../package.json'))).status).toBe(404);
    expect((await ask(ofEdge(stack, '/demo/none.js'))).status).toBe(404);
  });

  test('hints: the key of development; no port where the api has drawn one', async () => {
    const { text } = await ask(ofEdge(stack, '/demo/hints.json'));
    expect(JSON.parse(text)).toEqual({ apiPort: null, key: 'dev-key' });
  });

  test('a private message reaches its client', async () => {
    const bob = await connect(stack.ws(), { client: 'bob' });
    const sent = await post('/demo/private', { to: 'bob', from: 'ada', text: 'hush' });
    expect(sent.status).toBe(200);
    expect(await bob.next('private')).toMatchObject({ data: { from: 'ada', text: 'hush' } });
    expect(JSON.parse(sent.text)).toMatchObject({ id: expect.any(String), edges: 1 });
    const away = await post('/demo/private', { to: 'nobody', from: 'ada', text: 'hush' });
    expect(JSON.parse(away.text)).toMatchObject({ edges: 0 });
  });

  test('a cut ends the connections of one client alone, and says to resume', async () => {
    const cut = await connect(stack.ws(), { client: 'cut' });
    const other = await connect(stack.ws(), { client: 'other' });
    expect((await post('/demo/cut', { client: 'cut' })).status).toBe(200);
    const { code } = await within(cut.closed, 'the edge ends the connection');
    expect(code).toBeGreaterThanOrEqual(4200);
    expect(code).toBeLessThan(4300);
    const channel = channelIn('demo');
    other.send({ type: 'subscribe', ref: 1, channel });
    await other.next('subscribed');
  });

  test('refuses what its page would not send', async () => {
    const good = { to: 'bob', from: 'ada', text: 'x' };
    const path = '/demo/private';
    expect(codeOf(await post(path, good, { 'content-type': 'text/plain' }))).toEqual([
      415,
      'unsupported-media-type',
    ]);
    expect(codeOf(await post(path, good, { origin: 'http://evil.example' }))).toEqual([
      403,
      'origin-refused',
    ]);
    expect(codeOf(await post(path, good, { 'x-forwarded-for': ELSEWHERE }))).toEqual([
      403,
      'forbidden',
    ]);
    expect(codeOf(await post(path, '{'))).toEqual([400, 'bad-json']);
    expect(codeOf(await post(path, '[]'))).toEqual([400, 'bad-json']);
    expect(codeOf(await post(path, 'null'))).toEqual([400, 'bad-json']);
    for (const [field, value] of [
      ['to', ''],
      ['to', 7],
      ['from', 'a\u0000'],
      ['text', ''],
      ['text', null],
    ]) {
      const answer = await post(path, { ...good, [String(field)]: value });
      expect(codeOf(answer)).toEqual([422, 'bad-field']);
      expect(JSON.parse(answer.text)).toMatchObject({ field });
    }
    expect((await post(path, good, { origin: stack.edge().url })).status).toBe(200);
    expect((await ask(ofEdge(stack, path))).status).toBe(405);
  });

  test('a body has at most 4,096 bytes', async () => {
    const envelope = JSON.stringify({ to: 'bob', from: 'ada', text: '' }).length;
    const ofBytes = (bytes: number) => ({
      to: 'bob',
      from: 'ada',
      text: 'x'.repeat(bytes - envelope),
    });
    expect((await post('/demo/private', ofBytes(BODY_MAX_BYTES))).status).toBe(200);
    const tooLarge = await post('/demo/private', ofBytes(BODY_MAX_BYTES + 1));
    expect(codeOf(tooLarge)).toEqual([413, 'body-too-large']);
  });
});

describe('in production', () => {
  const stack = useFleet({
    env: {
      NODE_ENV: 'production',
      HALLEY_API_KEYS: 'ops:a-secret-of-the-test-0123456789abcdef:admin',
      HALLEY_TOKEN_SECRET: 'another-secret-of-the-test-0123456789abcdef',
    },
  });

  test('there is the SDK and no demo', async () => {
    expect((await ask(ofEdge(stack, '/sdk.js'))).status).toBe(200);
    for (const path of ['/demo', '/demo/main.js', '/demo/hints.json']) {
      expect([path, (await ask(ofEdge(stack, path))).status]).toEqual([path, 404]);
    }
    for (const path of ['/demo/private', '/demo/cut']) {
      const answer = await ask(ofEdge(stack, path), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ to: 'bob', from: 'ada', text: 'x', client: 'bob' }),
      });
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });
});

async function fetchBytes(stack: FleetUnderTest, accepted: string) {
  const http = await RawHttp.open(stack.edge().port);
  const chunks: Buffer[] = [];
  http.socket.on('data', (bytes: Buffer) => chunks.push(bytes));
  http.send(getText('/sdk.js', [`Accept-Encoding: ${accepted}`, 'Connection: close']));
  await within(http.closed, 'the edge ends the connection');
  const all = Buffer.concat(chunks);
  const bodyAt = all.indexOf('\r\n\r\n') + 4;
  const head = all.toString('latin1', 0, bodyAt);
  const encoding = /Content-Encoding: (\S+)/i.exec(head)?.[1];
  return { encoding, bytes: all.subarray(bodyAt) };
}

async function etagOf(stack: FleetUnderTest, headers: readonly string[]): Promise<string> {
  const { headers: found } = await raw(stack, 'GET', '/sdk.js', headers);
  return found.get('etag') ?? '';
}

/**
 * The head of an answer that has no body. Another request follows on its connection: a single byte
 * between the two answers would spoil the second.
 */
async function bareHead(stack: FleetUnderTest, method: string, headers: readonly string[]) {
  const http = await RawHttp.open(stack.edge().port);
  try {
    http.send(getText('/sdk.js', headers).replace(/^GET/, method));
    await http.bodyWith('');
    http.send(getText('/healthz'));
    await eventually(() => http.received.endsWith('ok\n'), 'the second answer');
    const [head = '', ...next] = http.received.split('\r\n\r\n');
    expect(next).toEqual([expect.stringMatching(/^HTTP\/1\.1 200 OK\r\n/), 'ok\n']);
    return head;
  } finally {
    http.close();
  }
}
