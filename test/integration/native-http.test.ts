/** What SSE and streaming promise beyond the contract of all wires (adapters/native-http/PROTOCOL.md). */

import { connect as connectSocket } from 'node:net';
import type { ServerFrame } from '@halley/shared/protocol';
import { EventSource } from 'eventsource';
import { describe, expect, test } from 'vitest';
import { ask, httpUrl, openPush, PushRefused, poll, type Query } from '../kit/http-wires.js';
import { field } from '../kit/rest.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const PING_INTERVAL_MS = 1_000;
const ORIGIN = 'https://page.example';
const PATHS = ['/v1/sse', '/v1/stream', '/v1/poll'] as const;
const ABORTED = 300;

/** Answers of several channels come in any order. */
function byRef(frames: readonly ServerFrame[]): ServerFrame[] {
  const refOf = (frame: ServerFrame) => ('ref' in frame ? Number(frame.ref) : -1);
  return frames.toSorted((a, b) => refOf(a) - refOf(b));
}

describe('the native wires over HTTP', () => {
  const stack = useFleet({
    edges: 2,
    config: {
      namespaces: {
        open: { subscribe: 'anyone', publish: 'anyone', history: 'anyone' },
        closed: {},
      },
    },
    edgeEnv: {
      HALLEY_ORIGINS: ORIGIN,
      HALLEY_PING_INTERVAL_MS: String(PING_INTERVAL_MS),
      HALLEY_TRUST_CLIENT_IDS: '1',
    },
  });
  const url = (path: string, query: Query = {}, edge = 0) => httpUrl(stack.ws(edge), path, query);
  const publish = async (channel: string, data: unknown) =>
    field(await stack.rest.publish(channel, data), 'id');

  async function refusedBy(path: string, query: Query, headers = {}) {
    const { status, text, headers: got } = await ask(url(path, query), { headers });
    const problem = JSON.parse(text) as Record<string, unknown>;
    expect(got['content-type']).toBe('application/problem+json');
    expect(problem['status']).toBe(status);
    return `${status} ${String(problem['code'])}`;
  }

  test.each(PATHS)('H-1 %s: a token by query or header; other ways to fail', async (path) => {
    const query = { channel: channelIn('open') };
    expect(await refusedBy(path, { ...query, token: 'x.y.z' })).toBe('401 bad-token');
    const headers = { authorization: 'Bearer x.y.z' };
    expect(await refusedBy(path, query, headers)).toBe('401 bad-token');
    const old = tokenFor('ann', { ttlSeconds: 1 }, Date.now() - 60_000);
    expect(await refusedBy(path, { ...query, token: old })).toBe('401 token-expired');
    expect(await refusedBy(path, { ...query, client: '' })).toBe('400 bad-client');
  });

  test.each(PATHS)('H-2 %s: channels are named, at most 64 and each once', async (path) => {
    const many = Array.from({ length: 65 }, () => channelIn('open'));
    expect(await refusedBy(path, { channel: many })).toBe('400 too-many-channels');
    expect(await refusedBy(path, { channel: 'a b' })).toBe('400 bad-channel');
    expect(await refusedBy(path, { channel: ['open:a', 'open:a'] })).toBe('400 bad-query');
  });

  test('H-2 headers of nearly 16 KiB may come in two segments, more never end', async () => {
    const { hostname, port } = url('/');
    const head = `GET /v1/poll?channel=open:a HTTP/1.1\r\nHost: ${hostname}\r\nX: `;
    const statusOf = (...segments: readonly string[]) =>
      new Promise<string>((resolve, reject) => {
        const socket = connectSocket(Number(port), hostname);
        let text = '';
        socket.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          if (text.includes('\r\n')) socket.destroy();
        });
        socket.once('close', () => resolve(text.split('\r\n')[0] ?? ''));
        socket.once('error', reject);
        const write = ([first, ...rest]: readonly string[]) => {
          if (first !== undefined) socket.write(first, () => write(rest));
        };
        write(segments);
      });
    const nearly = statusOf(head, 'x'.repeat(15_000), '\r\n\r\n');
    expect(await within(nearly, 'an answer')).toBe('HTTP/1.1 200 OK');
    const tooMuch = statusOf(head, 'x'.repeat(17_000));
    expect(await within(tooMuch, 'an answer')).toContain('431');
  });

  test.each(PATHS)('H-3 %s: no right to anything that is asked for', async (path) => {
    expect(await refusedBy(path, { channel: 'closed:a' })).toBe('403 forbidden');
  });

  test('H-3 who asks for nothing is welcome', async () => {
    const client = await openPush(url('/v1/stream', {}));
    expect(await client.next('welcome')).not.toHaveProperty('clientId');
    client.close();
  });

  test('H-3 one of two channels is refused: the other goes on', async () => {
    const channel = channelIn('open');
    const client = await openPush(url('/v1/stream', { channel: ['closed:a', channel] }));
    const refused = await client.next('error');
    expect(refused).toMatchObject({ ref: 0, code: 'forbidden', channel: 'closed:a' });
    await client.next('subscribed', ({ ref }) => ref === 1);
    const id = await publish(channel, 'on');
    expect(await client.next('message')).toMatchObject({ id, data: 'on' });
    client.close();
  });

  test.each(PATHS)('H-4 %s: cursors are strictly read', async (path) => {
    const channel = channelIn('open');
    for (const cursor of ['2~_', '1~_~_', '1', '1~1700000000000-0', '1~_~~', '1~_~~_', 'x']) {
      expect(await refusedBy(path, { channel, cursor }), cursor).toBe('400 bad-cursor');
    }
    const ofQueue = { channel, cursor: '1~_~~0-1700000000000' };
    expect(await refusedBy(path, ofQueue)).toBe('400 bad-cursor');
    expect(await refusedBy(path, { channel, cursor: `1~${'_'.repeat(9_000)}` })).toBe(
      '400 bad-cursor',
    );
    expect(await refusedBy(path, { channel, after: 'x' })).toBe('400 bad-position');
    expect(await refusedBy(path, { channel, after: ['', ''] })).toBe('400 bad-position');
    expect(await refusedBy(path, { channel }, { 'last-event-id': '7' })).toBe('400 bad-cursor');
  });

  test('H-4 Last-Event-ID counts more than what the URL once said', async () => {
    const channel = channelIn('open');
    const first = await publish(channel, 1);
    const second = await publish(channel, 2);
    await publish(channel, 3);
    const client = await openPush(url('/v1/sse', { channel, after: first }), {
      'last-event-id': second,
    });
    expect(await client.next('message')).toMatchObject({ data: 3 });
    expect(await client.next('subscribed')).toMatchObject({ recovered: true, replayed: 1 });
    client.close();
  });

  test('H-5 last= gives the end of the history to those who show nothing', async () => {
    const channel = channelIn('open');
    for (const data of [1, 2, 3]) await publish(channel, data);
    const client = await openPush(url('/v1/stream', { channel, last: 2 }));
    await client.until(() => client.messages(channel).length === 2, 'two messages');
    expect(client.messages(channel).map(({ data }) => data)).toEqual([2, 3]);
    client.close();
    for (const last of ['-1', '1001', 'x', '1.5']) {
      expect(await refusedBy('/v1/stream', { channel, last })).toBe('400 bad-query');
    }
  });

  test('H-5 last= for each channel, empty for one that starts now', async () => {
    const channels = [channelIn('open'), channelIn('open'), channelIn('open')];
    for (const channel of channels) for (const data of [1, 2, 3]) await publish(channel, data);
    const client = await openPush(url('/v1/stream', { channel: channels, last: ['2', '', '0'] }));
    await client.until(() => client.of('subscribed').length === 3, 'three answers');
    for (const channel of channels) await publish(channel, 4);
    await client.until(() => client.of('message').length === 5, 'five messages');
    const seen = channels.map((channel) => client.messages(channel).map(({ data }) => data));
    expect(seen).toEqual([[2, 3, 4], [4], [4]]);
    client.close();
    const query = { channel: channels, last: ['1', '2'] };
    expect(await refusedBy('/v1/stream', query)).toBe('400 bad-query');
  });

  test.each(PATHS)('H-6 %s: a page of an allowed origin, and any other', async (path) => {
    const channel = channelIn('open');
    const preflight = await ask(url(path), {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-headers': 'authorization' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-headers': expect.stringContaining('Authorization'),
      vary: 'Origin',
    });
    const foreign = { origin: 'https://other.example' };
    expect(await refusedBy(path, { channel }, foreign)).toBe('403 origin-refused');
    const answer = await ask(url(path, { channel }), { headers: foreign });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    const wrong = await ask(url(path, { cursor: 'x' }), { headers: { origin: ORIGIN } });
    expect(wrong.headers['access-control-allow-origin']).toBe(ORIGIN);
  });

  test('H-6 H-7 the heads of answers without end', async () => {
    const channel = channelIn('open');
    const headers = { origin: ORIGIN };
    const sse = await openPush(url('/v1/sse', { channel }), headers);
    const stream = await openPush(url('/v1/stream', { channel }), headers);
    const common = {
      'access-control-allow-origin': ORIGIN,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
      'transfer-encoding': 'chunked',
    };
    expect(sse.response.headers).toMatchObject({
      ...common,
      'content-type': 'text/event-stream; charset=utf-8',
    });
    expect(stream.response.headers).toMatchObject({
      ...common,
      'content-type': 'application/x-ndjson; charset=utf-8',
    });
    sse.close();
    stream.close();
  });

  test.each([...PATHS, '/v1/frames'])('H-7 %s: another method', async (path) => {
    const { status, headers } = await ask(url(path), { method: 'PUT', body: '{}' });
    expect(status).toBe(405);
    expect(headers['allow']).toBe(path === '/v1/frames' ? 'POST, OPTIONS' : 'GET, OPTIONS');
  });

  test('H-9 line breaks in posted JSON do not break frames', async () => {
    const channel = channelIn('open');
    const sse = await openPush(url('/v1/sse', { channel }));
    const stream = await openPush(url('/v1/stream', { channel }));
    await Promise.all([sse.next('subscribed'), stream.next('subscribed')]);
    const text = '{\r\n  "a":\n [1,\r2],\n "b": "x\\ny\\u2028 \u2028"\n}';
    await stack.rest.call('POST', `/channels/${channel}/messages`, { text: `{"data":${text}}` });
    const data = { a: [1, 2], b: 'x\ny\u2028 \u2028' };
    expect(await sse.next('message')).toMatchObject({ data });
    expect(await stream.next('message')).toMatchObject({ data });
    const replay = await openPush(url('/v1/sse', { channel, last: 1 }, 1));
    expect(await replay.next('message')).toMatchObject({ data });
    for (const client of [sse, stream, replay]) client.close();
  });

  test('H-11 H-13 SSE: retry, and a comment while nothing comes; the stream an empty line', async () => {
    const channel = channelIn('open');
    const sse = await openPush(url('/v1/sse', { channel }));
    const stream = await openPush(url('/v1/stream', { channel }));
    await sse.next('subscribed');
    expect(sse.sse.retryMs).toBeGreaterThanOrEqual(1_000);
    expect(sse.sse.retryMs).toBeLessThan(3_000);
    await sse.until(() => sse.sse.comments.length > 1, 'two comments');
    await stream.until(() => stream.lines.blankLines > 1, 'two empty lines');
    sse.close();
    stream.close();
  });

  test('H-12 one channel and no queue: the id is the position', async () => {
    const channel = channelIn('open');
    const client = await openPush(url('/v1/sse', { channel }));
    const { position } = await client.next('subscribed');
    const id = await publish(channel, 'x');
    await client.next('message');
    const ids = client.sse.events.map(({ lastEventId }) => lastEventId);
    expect(ids).toEqual(['', position, id]);
    client.close();
  });

  test('H-12 several channels and a queue: each batch ends with a cursor that resumes all', async () => {
    const channels = [channelIn('open'), channelIn('open')];
    const token = tokenFor('dora');
    const query = { channel: channels, token };
    const client = await openPush(url('/v1/sse', query));
    await client.until(() => client.of('subscribed').length === 2, 'both are subscribed');
    await publish(channels[0] ?? '', 'a');
    await stack.rest.publishPrivate('dora', 'p');
    await client.next('private');
    await client.next('message');
    await client.until(
      () => client.sse.events.at(-1)?.event === 'cursor',
      'a cursor ends the batch',
    );
    const cursor = client.sse.events.at(-1)?.lastEventId ?? '';
    client.close();
    await publish(channels[1] ?? '', 'b');
    await stack.rest.publishPrivate('dora', 'q');
    const again = await openPush(url('/v1/sse', query, 1), { 'last-event-id': cursor });
    expect(await again.next('private')).toMatchObject({ data: 'q' });
    expect(await again.next('message')).toMatchObject({ data: 'b' });
    expect(again.of('subscribed').map(({ recovered }) => recovered)).not.toContain(false);
    expect(again.of('message')).toHaveLength(1);
    expect(again.of('private')).toHaveLength(1);
    again.close();
  });

  test('H-12 a real EventSource resumes by itself where it was', async () => {
    const channel = channelIn('open');
    const source = new EventSource(url('/v1/sse', { channel }));
    const seen: unknown[] = [];
    let opened = 0;
    source.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as { type: string; data?: unknown };
      if (frame.type === 'subscribed') opened += 1;
      if (frame.type === 'message') seen.push(frame.data);
    });
    await eventually(() => opened === 1, 'it is subscribed');
    await publish(channel, 1);
    await eventually(() => seen.length === 1, 'the first message');
    const { body } = await stack.rest.get('/edges');
    expect(body).toBeDefined();
    await stack.rest.post('/clients/nobody/disconnect', {});
    for (const data of [2, 3]) await publish(channel, data);
    await eventually(() => seen.length === 3, 'the messages');
    expect(seen).toEqual([1, 2, 3]);
    source.close();
  });

  test('H-14 the operator ends a connection: goodbye says by which code', async () => {
    const client = await openPush(url('/v1/sse', { token: tokenFor('eve') }));
    await client.next('welcome');
    await stack.rest.post('/clients/eve/disconnect', {});
    expect(await client.next('goodbye')).toMatchObject({ code: 4000, reason: 'disconnected' });
    expect(await within(client.closed, 'the answer ends')).toBe('ended');
  });

  test('H-15 what the socket took is acknowledged', async () => {
    const token = tokenFor('finn');
    const client = await openPush(url('/v1/stream', { token }));
    await client.next('welcome');
    await stack.rest.publishPrivate('finn', 'once');
    await client.next('private');
    const isAcked = async () =>
      (await stack.rest.get('/clients/finn')).text.includes('"lastAck":"');
    await eventually(isAcked, 'it is acknowledged');
    client.close();
    const again = await openPush(url('/v1/stream', { token }, 1));
    await again.next('welcome');
    await stack.rest.publishPrivate('finn', 'twice');
    await again.next('private');
    expect(again.of('private').map(({ data }) => data)).toEqual(['twice']);
    again.close();
  });

  test('H-17 a heartbeat that a page can see', async () => {
    const channels = [channelIn('open'), channelIn('open')];
    const single = await openPush(url('/v1/sse', { channel: channels[0], heartbeat: 'frame' }));
    const tracked = await openPush(url('/v1/sse', { channel: channels, heartbeat: 'frame' }));
    const usual = await openPush(url('/v1/sse', { channel: channels[0] }));
    for (const client of [single, tracked]) {
      await client.until(() => client.of('pong').length > 1, 'two heartbeats');
      expect(client.sse.comments).toEqual([]);
      const position = client.of('subscribed').at(-1)?.position ?? '';
      expect(client.sse.events.at(-1)?.lastEventId).toContain(position);
    }
    await usual.until(() => usual.sse.comments.length > 0, 'a comment');
    expect(usual.of('pong')).toEqual([]);
    for (const client of [single, tracked, usual]) client.close();
    const wrong = { channel: channels[0], heartbeat: 'comment' };
    expect(await refusedBy('/v1/sse', wrong)).toBe('400 bad-query');
  });

  test.each(PATHS)('H-18 %s: a token for each channel, in their order', async (path) => {
    const [granted, open, other] = [channelIn('closed'), channelIn('open'), channelIn('closed')];
    const grant = tokenFor('hal', { channel: granted });
    const query = { channel: [other, granted, open], grant: [grant, grant, ''] };
    const told = await framesOf(path, query);
    expect(told).toMatchObject([
      { type: 'welcome' },
      { ref: 0, type: 'error', code: 'bad-token', channel: other },
      { ref: 1, type: 'subscribed', channel: granted },
      { ref: 2, type: 'subscribed', channel: open },
    ]);
    const alone = await framesOf(path, { channel: granted, grant });
    expect(alone[1]).toMatchObject({ type: 'subscribed', channel: granted });
    expect(await refusedBy(path, { channel: granted, grant: '' })).toBe('403 forbidden');
    for (const wrong of [[grant], [grant, grant], Array(4).fill('')]) {
      expect(await refusedBy(path, { ...query, grant: wrong })).toBe('400 bad-query');
    }
    const tooLong = 'x'.repeat(8_193);
    expect(await refusedBy(path, { channel: open, grant: tooLong })).toBe('400 bad-query');
  });

  /** The first frames, one for each channel and the welcome, by `ref`. */
  async function framesOf(path: string, query: Query) {
    const count = [query['channel']].flat().length;
    if (path === '/v1/poll') return byRef((await poll(url(path, query))).frames);
    const client = await openPush(url(path, query));
    const hasAll = () => client.of('subscribed').length + client.of('error').length === count;
    await client.until(hasAll, 'an answer for each channel');
    client.close();
    return byRef(client.frames);
  }

  test('H-18 the right ends with its token', async () => {
    const channel = channelIn('closed');
    const grant = tokenFor('ivo', { channel, ttlSeconds: 1 });
    const client = await openPush(url('/v1/stream', { channel, grant }));
    await client.next('subscribed');
    expect(await client.next('unsubscribed')).toMatchObject({ channel, code: 'token-expired' });
    client.close();
  });

  test('aborted requests free everything', async () => {
    const channel = channelIn('open');
    const connections = async () => {
      const { text } = await ask(new URL('/metrics', stack.edge().adminUrl));
      return Number(/^halley_connections (\d+)$/m.exec(text)?.[1]);
    };
    expect(await connections()).toBe(0);
    for (let round = 0; round < ABORTED / 30; round += 1) {
      const clients = await Promise.all(
        Array.from({ length: 10 }, () => [
          openPush(url('/v1/sse', { channel })),
          openPush(url('/v1/stream', { channel, client: 'gus' })),
        ]).flat(),
      );
      for (const client of clients) client.close();
    }
    await eventually(async () => (await connections()) === 0, 'no connection is left');
    const { body } = await stack.rest.get(`/channels/${channel}`);
    expect(body).toBeDefined();
  });

  test('a refusal of openPush is a whole answer', async () => {
    await expect(openPush(url('/v1/sse', { channel: 'closed:a' }))).rejects.toThrow(PushRefused);
  });
});
