/** What polling, JSONP and single frames promise beyond the contract (adapters/native-http/PROTOCOL.md). */

import { describe, expect, test } from 'vitest';
import { ask, httpUrl, type Polled, PushRefused, poll, type Query } from '../kit/http-wires.js';
import { field } from '../kit/rest.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const PRESENCE_MS = 1_500;
const MESSAGES = 300;
const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone' } as const;

describe('polling', () => {
  const stack = useFleet({
    edges: 2,
    apis: 2,
    config: {
      namespaces: {
        open: OPEN,
        room: { ...OPEN, presence: 'anyone', members: true },
        short: { ...OPEN, historySize: 2 },
      },
    },
    edgeEnv: { HALLEY_POLL_PRESENCE_MS: String(PRESENCE_MS), HALLEY_TRUST_CLIENT_IDS: '1' },
  });
  const url = (query: Query, edge = 0) => httpUrl(stack.ws(edge), '/v1/poll', query);
  const publish = async (channel: string, data: unknown) =>
    field(await stack.rest.publish(channel, data), 'id');
  const dataOf = ({ frames }: Polled) =>
    frames.flatMap((frame) => (frame.type === 'message' ? [frame.data] : []));

  test('H-20 H-21 the first poll is answered at once; from its cursor on nothing is missed', async () => {
    const channel = channelIn('open');
    await publish(channel, 'before');
    const first = await poll(url({ channel, wait: 60 }));
    expect(first.frames.map(({ type }) => type)).toEqual(['welcome', 'subscribed']);
    await publish(channel, 'between');
    const second = await poll(url({ channel, cursor: first.cursor, wait: 60 }));
    expect(dataOf(second)).toEqual(['between']);
    expect(second.frames).toHaveLength(1);
  });

  test('H-20 what the history does not hold any more is told', async () => {
    const channel = channelIn('short');
    const { cursor } = await poll(url({ channel }));
    for (let data = 0; data < 200; data += 1) await publish(channel, data);
    const { frames } = await poll(url({ channel, cursor, wait: 60 }, 1));
    expect(frames[0]).toMatchObject({ type: 'subscribed', recovered: false });
    expect(dataOf({ cursor, frames }).at(-1)).toBe(199);
  });

  test('H-22 a poll waits for news, and no longer than it says', async () => {
    const channel = channelIn('open');
    const { cursor } = await poll(url({ channel }));
    const parked = poll(url({ channel, cursor, wait: 60 }));
    await subscribers(channel, 1);
    const id = await publish(channel, 'news');
    expect((await parked).frames).toMatchObject([{ type: 'message', id }]);
    const begin = performance.now();
    const empty = await poll(url({ channel, cursor: (await parked).cursor, wait: 1 }));
    expect(empty).toEqual({ cursor: (await parked).cursor, frames: [] });
    // The clock of deadlines ticks every 250 ms.
    expect(performance.now() - begin).toBeGreaterThan(700);
    const wrong = poll(url({ channel, wait: 61 }));
    await expect(wrong).rejects.toThrow('"field":"wait"');
  });

  test('H-28 hello: a poll that shows a cursor is told at once where it stands', async () => {
    const [held, fresh] = [channelIn('open'), channelIn('room')];
    const id = await publish(held, 'seen');
    await publish(held, 'new');
    await publish(fresh, 'old');
    const query = { channel: [held, fresh], cursor: `1~${id}~_`, wait: 60 };
    const told = await poll(url({ ...query, hello: 1 }));
    const answers = told.frames.filter(({ type }) => type === 'subscribed');
    expect(told.frames[0]).toMatchObject({ type: 'welcome' });
    expect(answers).toHaveLength(2);
    expect(answers).toContainEqual(
      expect.objectContaining({ ref: 0, channel: held, recovered: true, replayed: 1 }),
    );
    expect(answers).toContainEqual(expect.objectContaining({ ref: 1, channel: fresh, members: 1 }));
    expect(dataOf(told)).toEqual(['new']);
    const after = poll(url({ ...query, cursor: told.cursor, hello: 0 }));
    await publish(fresh, 'live');
    expect(dataOf(await after)).toEqual(['live']);
    const wrong = poll(url({ ...query, hello: 2 }));
    await expect(wrong).rejects.toThrow('"field":"hello"');
  });

  test('H-22 many channels and the queue in one poll', async () => {
    const channels = [channelIn('open'), channelIn('open')];
    const token = tokenFor('hugo');
    const { cursor } = await poll(url({ channel: channels, token }));
    const parked = poll(url({ channel: channels, token, cursor, wait: 60 }));
    await stack.rest.publishPrivate('hugo', 'psst');
    const told = await parked;
    expect(told.frames).toMatchObject([{ type: 'private', data: 'psst' }]);
    await publish(channels[0] ?? '', 'a');
    await publish(channels[1] ?? '', 'b');
    const both = await poll(url({ channel: channels, token, cursor: told.cursor, wait: 60 }, 1));
    expect(dataOf(both).toSorted()).toEqual(['a', 'b']);
  });

  test('H-23 a cursor acknowledges: a connection without one gets only what came after', async () => {
    const token = tokenFor('ivan');
    await stack.rest.publishPrivate('ivan', 1);
    const first = await poll(url({ token }));
    expect(first.frames).toMatchObject([{ type: 'welcome' }, { type: 'private', data: 1 }]);
    // Nobody has said that it arrived.
    const lost = await poll(url({ token }));
    expect(lost.frames).toMatchObject([{ type: 'welcome' }, { type: 'private', data: 1 }]);
    await poll(url({ token, cursor: first.cursor, wait: 0 }));
    await stack.rest.publishPrivate('ivan', 2);
    const isFresh = async () => {
      const { frames } = await poll(url({ token }, 1));
      return frames.filter(({ type }) => type === 'private').length === 1 && frames;
    };
    expect(await eventually(isFresh, 'the acknowledgement is written')).toMatchObject([
      { type: 'welcome' },
      { type: 'private', data: 2 },
    ]);
  });

  test('H-24 between two polls a client is present and a member; later it is not', async () => {
    const channel = channelIn('room');
    const token = tokenFor('jane');
    const isPresent = async () =>
      (await stack.rest.get('/clients/jane')).text.includes('"online":true');
    const isMember = async () =>
      (await stack.rest.get(`/channels/${channel}/members`)).text.includes('jane');
    const { cursor } = await poll(url({ channel, token }));
    expect([await isPresent(), await isMember()]).toEqual([true, true]);
    const next = await poll(url({ channel, token, cursor, wait: 0 }));
    await eventually(async () => !(await isPresent()), 'it counts as gone');
    await eventually(async () => !(await isMember()), 'it is no member any more');
    await stack.rest.publishPrivate('jane', 'while away');
    const back = await poll(url({ channel, token, cursor: next.cursor, wait: 60 }, 1));
    expect(back.frames).toMatchObject([{ type: 'private', data: 'while away' }]);
  });

  test('H-25 JSONP: only names of functions, and a body that cannot be anything else', async () => {
    const channel = channelIn('open');
    const { status, headers, text } = await ask(url({ channel, callback: 'a.b_$1' }));
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    expect(text).toMatch(/^\/\*\*\/a\.b_\$1\(\{"cursor":"[^"]+","frames":\[.*\]\}\);$/);
    for (const callback of ['', 'a(', 'a;b', '1a', 'a..b', 'a[0]', '<script>', 'x'.repeat(129)]) {
      expect((await ask(url({ channel, callback }))).status, callback).toBe(400);
    }
    const refused = await ask(url({ channel: 'a b', callback: 'f' }));
    expect([refused.status, refused.text.slice(0, 48)]).toEqual([
      200,
      '/**/f({"frames":[{"type":"error","code":"bad-cha',
    ]);
  });

  test('H-25 line separators do not end a script’s strings', async () => {
    const channel = channelIn('open');
    await publish(channel, '\u2028\u2029');
    const { text } = await ask(url({ channel, last: 1, callback: 'f' }));
    expect(text).toContain('\\u2028\\u2029');
    expect(text).not.toMatch(/[\u2028\u2029]/);
  });

  test('H-26 the store is away: 503, and later it goes on', async () => {
    const channel = channelIn('open');
    const { cursor } = await poll(url({ channel }));
    const other = channelIn('open');
    const { server } = stack.redis;
    server.pause();
    try {
      const error = await poll(url({ channel: other, wait: 60 })).catch((it: unknown) => it);
      expect(error).toBeInstanceOf(PushRefused);
      const { got } = error as PushRefused;
      expect(got.status).toBe(503);
      expect(got.headers['retry-after']).toBeDefined();
      expect(got.text).toContain('"unavailable"');
    } finally {
      server.resume();
    }
    await eventually(
      async () => (await stack.rest.publish(channel, 'back')).status === 201,
      'the store is back',
    );
    const { frames } = await poll(url({ channel, cursor, wait: 60 }));
    expect(frames.at(-1)).toMatchObject({ type: 'message', data: 'back' });
  });

  test('H-27 a loop of polls over both edges misses and repeats nothing', async () => {
    const channel = channelIn('open');
    let { cursor } = await poll(url({ channel }));
    const seen: unknown[] = [];
    const receiving = (async () => {
      for (let round = 0; seen.length < MESSAGES; round += 1) {
        const polled = await poll(url({ channel, cursor, wait: 10 }, round % 2), 30_000);
        seen.push(...dataOf(polled));
        cursor = polled.cursor;
      }
    })();
    for (let data = 0; data < MESSAGES; data += 1) await publish(channel, data);
    await within(receiving, `all messages, ${seen.length} so far`, 60_000);
    expect(seen).toEqual(Array.from({ length: MESSAGES }, (_, data) => data));
  });

  test('a long replay comes in several answers', async () => {
    const channel = channelIn('open');
    const { cursor } = await poll(url({ channel }));
    const padding = 'x'.repeat(30_000);
    for (let index = 0; index < 40; index += 1) await publish(channel, `${index} ${padding}`);
    const seen: unknown[] = [];
    let at = cursor;
    for (let polls = 1; seen.length < 40; polls += 1) {
      const polled = await poll(url({ channel, cursor: at, wait: 0 }));
      seen.push(...dataOf(polled));
      at = polled.cursor;
      expect(polls).toBeLessThan(10);
      if (seen.length < 40) expect(dataOf(polled).length).toBeGreaterThan(0);
    }
    expect(seen.map((data) => Number.parseInt(String(data), 10))).toEqual(
      Array.from({ length: 40 }, (_, index) => index),
    );
  });

  async function subscribers(channel: string, count: number): Promise<void> {
    await eventually(async () => {
      const { text } = await stack.rest.get(`/channels/${channel}`);
      return text.includes(`"subscribers":${count}`);
    }, `${count} subscribers of ${channel}`);
  }
});

describe('single frames', () => {
  const stack = useFleet({ config: { namespaces: { open: OPEN, closed: {} } } });
  const post = async (body: string, query: Query = {}) => {
    const { status, text } = await ask(httpUrl(stack.ws(), '/v1/frames', query), {
      method: 'POST',
      body,
    });
    return { status, frame: text === '' ? null : (JSON.parse(text) as Record<string, unknown>) };
  };
  const frame = (fields: object, query?: Query) => post(JSON.stringify(fields), query);

  test('H-30 a frame in, its answer out', async () => {
    const channel = channelIn('open');
    const token = tokenFor('kim');
    const published = await frame(
      { type: 'publish', ref: 'p', channel, data: { a: 1 } },
      { token },
    );
    expect(published).toMatchObject({ status: 200, frame: { type: 'published', ref: 'p' } });
    const history = await frame({ type: 'history', ref: 2, channel });
    expect(history).toMatchObject({
      status: 200,
      frame: { ref: 2, messages: [{ data: { a: 1 }, clientId: 'kim' }] },
    });
    expect(await frame({ type: 'ping' })).toEqual({ status: 200, frame: { type: 'pong' } });
    const closed = await frame({ type: 'publish', ref: 1, channel: 'closed:a', data: 1 });
    expect(closed).toMatchObject({
      status: 403,
      frame: { type: 'error', ref: 1, code: 'forbidden' },
    });
    expect(await post('{')).toMatchObject({ status: 400, frame: { code: 'bad-json' } });
    expect(await frame({ type: 'shout' })).toMatchObject({
      status: 400,
      frame: { code: 'unknown-type' },
    });
    expect(await frame({ type: 'ping' }, { token: 'x' })).toMatchObject({
      status: 401,
      frame: { code: 'bad-token' },
    });
  });

  test.each([
    { type: 'subscribe', ref: 1, channel: 'open:a' },
    { type: 'unsubscribe', ref: 1, channel: 'open:a' },
    { type: 'auth', ref: 1, token: 'x' },
  ])('H-31 $type is for connections', async (fields) => {
    expect(await frame(fields)).toMatchObject({
      status: 409,
      frame: { code: 'connection-needed' },
    });
  });

  test('H-32 ack', async () => {
    const { body } = await stack.rest.publishPrivate('lena', 1);
    const { id } = body as { id: string };
    const token = tokenFor('lena');
    expect(await frame({ type: 'ack', id }, { token })).toEqual({ status: 204, frame: null });
    const { frames } = await poll(httpUrl(stack.ws(), '/v1/poll', { token }));
    expect(frames.map(({ type }) => type)).toEqual(['welcome']);
    expect(await frame({ type: 'ack', id })).toMatchObject({ status: 403 });
    expect(await frame({ type: 'ack', id: 'x' }, { token })).toMatchObject({
      status: 400,
      frame: { code: 'bad-position' },
    });
  });

  test('H-33 too much', async () => {
    expect(await post('x'.repeat(131_073))).toMatchObject({
      status: 413,
      frame: { code: 'frame-too-large' },
    });
    expect(await post('[{"type":"ping"},{"type":"ping"}]')).toMatchObject({
      status: 400,
      frame: { code: 'bad-frame' },
    });
  });
});
