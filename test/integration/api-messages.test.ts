/** Publishing and reading back over HTTP: what is posted is what comes out, byte for byte. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { OpenApiBook } from '../kit/openapi.js';
import { RawHttp } from '../kit/raw-http.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { type Exchange, field, type RestClient } from '../kit/rest.js';
import { eventually, within } from '../kit/wait.js';

const PAYLOAD_MAX_BYTES = 65_536;
const BODY_MAX_BYTES = 300_000;
const REDIS_TIMEOUT_MS = 300;

let redis: TestRedis;
let fleet: Fleet;
let book: OpenApiBook;
let api: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  fleet = await startFleet({
    redisUrl: redis.url,
    edges: 0,
    apis: 2,
    apiEnv: {
      HALLEY_BODY_MAX_BYTES: String(BODY_MAX_BYTES),
      HALLEY_REDIS_TIMEOUT_MS: String(REDIS_TIMEOUT_MS),
    },
    config: { namespaces: { small: { maxPayloadBytes: 10 }, brief: { historySize: 3 } } },
  });
  book = await OpenApiBook.of(fleet.api().url);
  api = book.client(fleet.api().url);
});

afterAll(async () => {
  await api?.close();
  await fleet?.stop();
  await redis?.stop();
});

function postText(path: string, text: string | Uint8Array, headers = {}): Promise<Exchange> {
  return api.call('POST', path, { text, headers });
}

function problemOf({ status, body }: Exchange) {
  const { code, field: at } = body as { code?: string; field?: string };
  return [status, code, at];
}

async function idsOf(path: string): Promise<string[]> {
  const { body } = await api.get(path);
  return (body as { messages: { id: string }[] }).messages.map(({ id }) => id);
}

describe('data', () => {
  it.each([
    ['a 19-digit integer', '1234567890123456789'],
    ['an exponent as it was spelled', '1.50E+02'],
    ['null', 'null'],
    ['pretty-printed', '{\n  "b" : 1,\r\n\t"a":[ 1 , 2 ]\n}'],
    ['escapes as they were spelled', '"\\u00e9\\ud83d\\ude00 / \\/"'],
    ['unicode', '"häl\u2028lo 😀 \u0000"'.replace('\u0000', '\\u0000')],
    ['braces and quotes in strings', '{"a":"}\\"],{","data":"x"}'],
  ])('keeps %s', async (name, data) => {
    const channel = `demo:${name.replaceAll(/\W/g, '-')}`;
    const posted = await postText(
      `/channels/${channel}/messages`,
      `{ "data" : ${data} , "key":"k"}`,
    );
    expect(posted.status).toBe(201);
    const read = await api.get(`/channels/${channel}/messages`);
    expect(read.text).toBe(
      `{"messages":[{"id":"${field(posted, 'id')}","data":${data}}],` +
        `"position":"${field(posted, 'id')}","more":false}`,
    );
  });

  it('is the last of several members of that name, however it is spelled', async () => {
    await postText('/channels/demo:twice/messages', '{"data":1,"d\\u0061ta":{"data":2}}');
    const { body } = await api.get('/channels/demo:twice/messages');
    expect(body).toMatchObject({ messages: [{ data: { data: 2 } }] });
  });

  it('may have 64 KiB of UTF-8 and not a byte more', async () => {
    const fits = `"${'é'.repeat((PAYLOAD_MAX_BYTES - 2) / 2)}"`;
    for (const path of ['/channels/demo:big/messages', '/clients/big/messages']) {
      expect((await postText(path, `{"data":${fits}}`)).status).toBe(201);
      const refused = await postText(path, `{"data":"x${fits.slice(1)}}`);
      expect(problemOf(refused)).toEqual([413, 'payload-too-large', 'data']);
      expect(refused.text).toContain(String(PAYLOAD_MAX_BYTES));
    }
  });

  it('is bounded by its namespace', async () => {
    expect((await api.publish('small:a', '12345678')).status).toBe(201);
    const refused = await api.publish('small:a', '123456789');
    expect(problemOf(refused)).toEqual([413, 'payload-too-large', 'data']);
  });

  it('comes with its event and its sender', async () => {
    const from = 'Jörg "der" Große/😀';
    await api.publish('demo:sender', 1, { event: 'née "x"', from });
    const { body } = await api.get('/channels/demo:sender/messages');
    expect(body).toMatchObject({ messages: [{ data: 1, event: 'née "x"', clientId: from }] });
  });
});

describe('a body', () => {
  const path = '/channels/demo:body/messages';

  it.each([
    ['nothing', '', [400, 'bad-json', undefined]],
    ['no JSON', '{"data":1', [400, 'bad-json', undefined]],
    ['invalid UTF-8', Buffer.from('{"data":"\xff"}', 'latin1'), [400, 'bad-json', undefined]],
    [
      'an encoded surrogate',
      Buffer.from('7b2264617461223a22eda080227d', 'hex'),
      [400, 'bad-json', undefined],
    ],
    ['an array', '[]', [422, 'bad-field', undefined]],
    ['a number', '5', [422, 'bad-field', undefined]],
    ['no data', '{}', [422, 'missing-field', 'data']],
    ['an unknown field', '{"data":1,"dtaa":1}', [422, 'bad-field', 'dtaa']],
    ['__proto__', '{"data":1,"__proto__":{}}', [422, 'bad-field', '__proto__']],
    ['an event that is no text', '{"data":1,"event":5}', [422, 'bad-field', 'event']],
    ['an empty event', '{"data":1,"event":""}', [422, 'bad-field', 'event']],
    ['a long event', `{"data":1,"event":"${'x'.repeat(101)}"}`, [422, 'bad-field', 'event']],
    ['a key with a control character', '{"data":1,"key":"a\\u0000"}', [422, 'bad-field', 'key']],
    ['a key with half a character', '{"data":1,"key":"\\ud800"}', [422, 'bad-field', 'key']],
    ['a long key', `{"data":1,"key":"${'x'.repeat(201)}"}`, [422, 'bad-field', 'key']],
    ['a bad sender', '{"data":1,"from":""}', [422, 'bad-field', 'from']],
    ['a null key', '{"data":1,"key":null}', [422, 'bad-field', 'key']],
  ])('with %s is refused', async (_, text, problem) => {
    expect(problemOf(await postText(path, text))).toEqual(problem);
  });

  it.each([
    ['application/json', 201],
    ['application/json; charset=utf-8', 201],
    ['Application/JSON;charset="UTF-8"', 201],
    ['application/json; charset=latin1', 415],
    ['application/jsonp', 415],
    ['application/x-www-form-urlencoded', 415],
    ['', 415],
  ])('of type "%s" is answered %i', async (type, status) => {
    const answer = await postText(path, '{"data":1}', { 'content-type': type });
    expect(answer.status).toBe(status);
  });

  it('may come in pieces', async () => {
    const body = JSON.stringify({ data: 'é'.repeat(20_000) });
    const bytes = Buffer.from(body);
    const pieces = [bytes.subarray(0, 11), bytes.subarray(11, 20_002), bytes.subarray(20_002)];
    const answer = await rawPost(path, pieces, `content-length: ${bytes.length}`);
    expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    expect((await api.get(`${path}?limit=1`)).text).toContain(`"data":"${'é'.repeat(20_000)}"`);
  });

  it('without a stated length is bounded by what arrives', async () => {
    const chunk = 'x'.repeat(0x10_000);
    const chunks = Array.from({ length: 5 }, () => Buffer.from(`10000\r\n${chunk}\r\n`));
    const answer = await rawPost(path, chunks, 'transfer-encoding: chunked');
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"body-too-large"');
  });

  it('that ends in the middle leaves no trace', async () => {
    const socket = await rawConnection();
    socket.write(head(path, 'content-length: 100'));
    socket.write('{"data":');
    await new Promise<void>((resolve) => socket.end(resolve));
    socket.destroy();
    await once(socket, 'close');
    expect((await api.publish('demo:body', 1)).status).toBe(201);
  });
});

describe('a request', () => {
  it('may be made under /v1, with its name percent-encoded', async () => {
    const posted = await api.post('/v1/channels/demo%3Aalias/messages', { data: 1 });
    expect(posted.status).toBe(201);
    expect(await idsOf('/channels/demo:alias/messages')).toEqual([field(posted, 'id')]);
  });

  it('has an id of its own, also in its error', async () => {
    const answers = await Promise.all([api.get('/nothing'), api.get('/nothing')]);
    const ids = answers.map(({ headers }) => headers['x-request-id']);
    expect(new Set(ids).size).toBe(2);
    expect(answers.map(({ body }) => (body as { requestId: string }).requestId)).toEqual(ids);
  });

  it('by HEAD has the headers of GET and no body', async () => {
    const headers = { authorization: 'Bearer dev-key' };
    const url = `${fleet.api().url}/channels/demo:none`;
    const answer = await fetch(url, { method: 'HEAD', headers });
    const full = await api.get('/channels/demo:none');
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(answer.headers.get('content-length')).toBe(full.headers['content-length']);
  });

  it.each(['/healthz', '/channels/demo:none'])(
    'by HEAD %s leaves the connection to the next one',
    async (path) => {
      const http = await RawHttp.open(Number(new URL(fleet.api().url).port));
      const text = (method: string) =>
        `${method} ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer dev-key\r\n\r\n`;
      for (const count of [1, 2, 3]) {
        http.send(text('HEAD'));
        const answers = () => http.received.split('HTTP/1.1 200 OK').length - 1;
        await eventually(() => answers() === count, `answer ${count}`);
      }
      http.close();
    },
  );

  it('without authority says how to get it', async () => {
    const answer = await api.call('GET', '/stats', {
      headers: { authorization: 'Basic ZGV2LWtleQ==' },
    });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });
});

describe('history', () => {
  it('is read forwards, backwards and from its end', async () => {
    const ids: string[] = [];
    for (let data = 0; data < 7; data += 1)
      ids.push(field(await api.publish('demo:page', data), 'id'));
    const path = '/channels/demo:page/messages';
    expect(await idsOf(path)).toEqual(ids);
    expect(await idsOf(`${path}?limit=2`)).toEqual(ids.slice(5));
    expect(await idsOf(`${path}?after=${ids[1]}&limit=3`)).toEqual(ids.slice(2, 5));
    expect(await idsOf(`${path}?before=${ids[4]}&limit=3`)).toEqual(ids.slice(1, 4));
    const last = await api.get(`${path}?after=${ids[4]}&limit=2`);
    expect(last.body).toMatchObject({ more: false, position: ids[6] });
    const first = await api.get(`${path}?before=${ids[3]}&limit=2`);
    expect(first.body).toMatchObject({ more: true, position: ids[6] });
  });

  it('that never was has the position of nothing', async () => {
    const { body } = await api.get('/channels/demo:empty/messages');
    expect(body).toMatchObject({ messages: [], more: false });
    expect(field(await api.get('/channels/demo:empty/messages'), 'position')).toMatch(/^0-\d{13}$/);
  });

  it('goes on after it was cleared', async () => {
    const before = field(await api.publish('demo:clear', 1), 'id');
    expect((await api.delete('/channels/demo:clear/messages')).body).toEqual({ removed: 1 });
    const read = await api.get('/channels/demo:clear/messages');
    expect(read.body).toEqual({ messages: [], position: before, more: false });
    await api.publish('demo:clear', 2);
    expect(await idsOf('/channels/demo:clear/messages')).toHaveLength(1);
  });
});

describe('a key', () => {
  it('sends a message once, whichever api is asked, and at the same time', async () => {
    const other = book.client(fleet.api(1).url);
    const clients = [api, other, api, other, api, other];
    const answers = await Promise.all(
      clients.map((client) => client.publish('demo:once', 'x', { key: 'same' })),
    );
    expect(new Set(answers.map((answer) => field(answer, 'id'))).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await idsOf('/channels/demo:once/messages')).toHaveLength(1);
    await other.close();
  });

  it('of one channel is not that of another, nor of a client', async () => {
    const answers = [
      await api.publish('room:57', 1, { key: 'k' }),
      await api.publish('room', 1, { key: '57:k' }),
      await api.publishPrivate('room:57', 1, { key: 'k' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  });
});

describe('a queue', () => {
  it('is read with its acknowledged position', async () => {
    const name = encodeURIComponent('Ä/b,c%');
    const ids: string[] = [];
    for (const data of [1, 2, 3]) ids.push(field(await api.publishPrivate('Ä/b,c%', data), 'id'));
    expect(await idsOf(`/clients/${name}/queue`)).toEqual(ids);
    const page = await api.get(`/clients/${name}/queue?after=${ids[0]}&limit=1`);
    expect(page.body).toMatchObject({
      messages: [{ id: ids[1], data: 2 }],
      acked: null,
      more: true,
    });
    const oldest = await api.get(`/clients/${name}/queue?limit=2`);
    expect(oldest.body).toMatchObject({ messages: [{ data: 1 }, { data: 2 }], more: true });
  });
});

describe('Redis', () => {
  it('may forget its scripts in mid-flight', async () => {
    const posts = Array.from({ length: 300 }, (_, data) => api.publish('demo:flush', data));
    const flushes = Array.from({ length: 10 }, () => redis.client.script('FLUSH'));
    const answers = await Promise.all(posts);
    await Promise.all(flushes);
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
    expect(new Set(answers.map((answer) => field(answer, 'id'))).size).toBe(300);
  });

  it('that does not answer makes the outcome unknown; the key tells later', async () => {
    await redis.client.client('PAUSE', 3 * REDIS_TIMEOUT_MS);
    const answer = await api.publish('demo:pause', 1, { key: 'k' });
    expect(problemOf(answer).slice(0, 2)).toEqual([503, 'outcome-unknown']);
    expect(answer.headers['retry-after']).toBe('1');
    await redis.client.ping();
    const again = await api.publish('demo:pause', 1, { key: 'k' });
    expect([200, 201]).toContain(again.status);
    expect(await idsOf('/channels/demo:pause/messages')).toHaveLength(1);
  });
});

async function rawConnection() {
  const socket = connect(fleet.api().port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

function head(path: string, length: string): string {
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: api',
    'authorization: Bearer dev-key',
    'content-type: application/json',
    length,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Each piece is a write of its own, sent before the next one is made. */
async function rawPost(path: string, pieces: readonly Buffer[], length: string): Promise<string> {
  const socket = await rawConnection();
  socket.setNoDelay(true);
  const answer = once(socket, 'data');
  socket.write(head(path, length));
  for (const piece of pieces) {
    await new Promise<void>((resolve, reject) =>
      socket.write(piece, (error) => (error ? reject(error) : resolve())),
    );
  }
  const [data] = await within(answer, 'the answer to a raw POST');
  socket.destroy();
  return String(data);
}
