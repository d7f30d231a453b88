/** What the door of DPS's clients promises, byte by byte (apps/edge/src/adapters/dps/PROTOCOL.md). */

import { dpsSessionKey } from '@halley/shared/redis';
import { describe, expect, test } from 'vitest';
import { type Batch, batchOf, DpsPort } from '../kit/dps-client.js';
import { freePort } from '../kit/ports.js';
import { getText, type RawAnswer, type RawHttp, rawRequest } from '../kit/raw-http.js';
import { counterOf } from '../kit/streams.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const OPEN = {
  subscribe: 'anyone',
  publish: 'anyone',
  history: 'anyone',
  historySize: 500,
} as const;
const ORIGIN = 'https://page.example';
const WAIT_MS = 30_000;

let lastSession = 0;
function newSession(): string {
  lastSession += 1;
  return `s${lastSession}`;
}

function expectRefusal(answer: RawAnswer, status: string, word: string): void {
  expect(answer.statusLine).toBe(`HTTP/1.1 ${status}`);
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.body).toBe(`{"error" : "${word}"}\n`);
}

function countTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

describe("DPS's clients", () => {
  const stack = useFleet({
    edges: 2,
    config: {
      namespaces: {
        open: OPEN,
        small: { ...OPEN, maxPayloadBytes: 100 },
        closed: {},
      },
    },
    edgeEnv: { HALLEY_ORIGINS: ORIGIN, HALLEY_POLL_PRESENCE_MS: '500' },
  });
  const dps = (edge = 0) => new DpsPort(stack.edge(edge).port);
  const connections = (edge = 0) => counterOf(stack.edge(edge), 'halley_connections');
  const holds = (count: number, edge = 0) =>
    eventually(async () => (await connections(edge)) === count, `${count} connections`);

  async function pushAll(channel: string, data: readonly unknown[]): Promise<void> {
    for (const one of data) {
      expect((await dps().push({ channel }, JSON.stringify(one))).body).toBe('true\n');
    }
  }

  /** A poll that has found nothing and waits: its session is kept by then. */
  async function park(params: Record<string, string | number>, edge = 0): Promise<RawHttp> {
    const before = await connections(edge);
    const raw = await dps(edge).begin(params);
    await holds(before + 1, edge);
    const { client } = stack.redis;
    const key = dpsSessionKey(`/${params['session']}`);
    await eventually(async () => (await client.exists(key)) === 1, 'the session is kept');
    return raw;
  }

  describe('polls', () => {
    test('D-10 D-30 a push is answered by true, and a first poll has it as it was posted', async () => {
      const channel = channelIn('open');
      const pushed = await dps().push({ channel }, '\n{ "b":1.0, "a":12345678901234567890 } ');
      expect(pushed.statusLine).toBe('HTTP/1.1 200 OK');
      expect(pushed.headers.get('content-type')).toBe('application/json');
      expect(pushed.body).toBe('true\n');
      await dps(1).push({ channel }, '"x\\u00fc"');
      const answer = await dps(1).poll({ channels: channel, session: newSession(), seq: 5 });
      expect(answer.statusLine).toBe('HTTP/1.1 200 OK');
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('access-control-allow-origin')).toBeUndefined();
      expect(answer.body).toBe(
        '{"seq":7,"messages":[{ "b":1.0, "a":12345678901234567890 },"x\\u00fc"]}\n',
      );
    });

    test('D-10 what comes by REST comes too, its data alone', async () => {
      const channel = channelIn('open');
      await stack.rest.publish(channel, [null], { event: 'e' });
      const { body } = await dps().poll({ channels: channel, session: newSession() });
      expect(body).toBe('{"seq":1,"messages":[[null]]}\n');
    });

    test('D-11 a session begins with the last 40 of each channel, by their times', async () => {
      const [a, b] = [channelIn('open'), channelIn('open')];
      await pushAll(a, countTo(41));
      await pushAll(b, ['b1']);
      await pushAll(a, [42]);
      await pushAll(b, ['b2']);
      const batch = await dps().batch({ channels: `${a},${b}`, session: newSession() });
      const messages = [...countTo(41).slice(2), 'b1', 42, 'b2'];
      expect(batch).toEqual({ seq: messages.length, messages });
    });

    test('D-12 a poll waits for a push', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      const parked = await park({ channels: channel, session });
      await dps(1).push({ channel }, '{"now": 1}');
      expect((await parked.answer()).body).toBe('{"seq":1,"messages":[{"now": 1}]}\n');
      // On the same connection, as browsers do.
      parked.send(
        `POST /dps/poll?channels=${channel}&session=${session}&seq=1 HTTP/1.1\r\nHost: d\r\n\r\n`,
      );
      await holds(1);
      await dps().push({ channel }, '2');
      expect((await parked.answer()).body).toBe('{"seq":2,"messages":[2]}\n');
      parked.close();
    });

    test('D-12 what is pushed between two polls comes, if the first one got lost too', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      const lost = await park({ channels: channel, session });
      lost.close();
      await holds(0);
      await pushAll(channel, countTo(60));
      expect((await dps(1).batch({ channels: channel, session })).messages).toEqual(countTo(60));
    });

    test('D-12 D-15 200 messages in order, each once, by turns on two edges', async () => {
      const [a, b, session] = [channelIn('open'), channelIn('open'), newSession()];
      const params = { channels: `${a},${b}`, session };
      const posting = (async () => {
        for (const data of countTo(200))
          await dps(data % 3 ? 0 : 1).push({ channel: data % 2 ? a : b }, `${data}`);
      })();
      const seen: unknown[] = [];
      for (let turn = 0; seen.length < 200; turn += 1) {
        const { seq, messages } = await dps(turn % 2).batch({ ...params, seq: seen.length });
        seen.push(...messages);
        expect(seq).toBe(seen.length);
      }
      await posting;
      const of = (rest: number) => countTo(200).filter((data) => data % 2 === rest);
      expect(seen).toHaveLength(200);
      expect(seen.filter((data) => Number(data) % 2 === 1)).toEqual(of(1));
      expect(seen.filter((data) => Number(data) % 2 === 0)).toEqual(of(0));
    });

    test('D-14 an answer has at most 100 messages; the rest comes with the next ones', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      const parked = await park({ channels: channel, session });
      parked.close();
      await pushAll(channel, countTo(230));
      const seen: unknown[] = [];
      for (const [edge, size] of [
        [0, 100],
        [1, 100],
        [0, 30],
      ] as const) {
        const batch = await dps(edge).batch({ channels: channel, session, seq: seen.length });
        expect(batch.messages).toHaveLength(size);
        seen.push(...batch.messages);
      }
      expect(seen).toEqual(countTo(230));
    });

    test(
      'D-13 D-15 nothing comes within 30 s: the same seq; then the session lives 30 s more',
      async () => {
        const [channel, session] = [channelIn('open'), newSession()];
        const begin = performance.now();
        const parked = await park({ channels: channel, session, seq: 7 });
        const life = () => stack.redis.client.pttl(dpsSessionKey(`/${session}`));
        expect(await life()).toBeGreaterThan(WAIT_MS);
        expect((await parked.answer(WAIT_MS + 5_000)).body).toBe('{"seq":7,"messages":[]}\n');
        expect(performance.now() - begin).toBeGreaterThan(WAIT_MS - 500);
        const left = await life();
        expect(left).toBeGreaterThan(WAIT_MS / 2);
        expect(left).toBeLessThanOrEqual(WAIT_MS + 500);
        parked.close();
        await pushAll(channel, ['later']);
        const batch = await dps(1).batch({ channels: channel, session, seq: 7 });
        expect(batch).toEqual({ seq: 8, messages: ['later'] });
        expect(await life()).toBeLessThanOrEqual(WAIT_MS);
      },
      2 * WAIT_MS,
    );

    test('D-16 the same seq gives the same again, on any edge, and what has come since', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      await pushAll(channel, countTo(3));
      const ask = (seq: number, edge: number) =>
        dps(edge).poll({ channels: channel, session, seq });
      const first = await ask(0, 0);
      expect(first.body).toBe('{"seq":3,"messages":[1,2,3]}\n');
      for (const edge of [1, 0, 1, 0, 1, 0]) expect((await ask(0, edge)).body).toBe(first.body);
      await pushAll(channel, [4]);
      const second = '{"seq":4,"messages":[4]}\n';
      expect((await ask(3, 0)).body).toBe(second);
      expect((await ask(3, 1)).body).toBe(second);
      await pushAll(channel, [5]);
      expect((await ask(3, 0)).body).toBe('{"seq":5,"messages":[4,5]}\n');
      expect((await ask(4, 0)).body).toBe('{"seq":5,"messages":[5]}\n');
      expect((await ask(0, 0)).body).toBe('{"seq":5,"messages":[1,2,3,4,5]}\n');
    });

    test('D-16 a seq that is repeated over and over is not forgotten', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      await pushAll(channel, [1]);
      await dps().batch({ channels: channel, session });
      for (let last = 2; last < 9; last += 1) {
        await pushAll(channel, [last]);
        const { messages } = await dps().batch({ channels: channel, session, seq: 1 });
        expect(messages).toEqual(countTo(last).slice(1));
      }
    });

    test('D-17 a seq that is not known goes on from the oldest one that is', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      await pushAll(channel, [1]);
      for (let seq = 0; seq < 6; seq += 1) {
        await pushAll(channel, [seq + 2]);
        await dps().batch({ channels: channel, session, seq: seq === 0 ? 0 : seq + 1 });
      }
      const { client } = stack.redis;
      const marks = await client.lrange(dpsSessionKey(`/${session}`), 0, -1);
      expect(marks.map((text) => (JSON.parse(text) as Batch).seq)).toEqual([4, 5, 6, 7]);
      for (const seq of [0, 99]) {
        const batch = await dps().batch({ channels: channel, session, seq });
        expect(batch).toEqual({ seq: seq + 3, messages: [5, 6, 7] });
      }
    });

    test('D-17 a session that has ended begins anew, whatever seq it shows', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      await pushAll(channel, countTo(50));
      await dps().batch({ channels: channel, session });
      await stack.redis.client.del(dpsSessionKey(`/${session}`));
      const batch = await dps().batch({ channels: channel, session, seq: 40 });
      expect(batch).toEqual({ seq: 80, messages: countTo(50).slice(10) });
    });

    test('D-18 the first poll names the channels', async () => {
      const [a, b, session] = [channelIn('open'), channelIn('open'), newSession()];
      await pushAll(a, ['a1']);
      await dps().batch({ channels: `${a},${a}`, session });
      await pushAll(b, ['b1']);
      await pushAll(a, ['a2']);
      const batch = await dps(1).batch({ channels: b, session, seq: 1 });
      expect(batch).toEqual({ seq: 2, messages: ['a2'] });
    });

    test('D-19 of two polls of a session on an edge the newer one waits', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      const older = await park({ channels: channel, session });
      const newer = await dps().begin({ channels: channel, session });
      expect((await older.answer()).body).toBe('{"seq":0,"messages":[]}\n');
      await holds(1);
      await pushAll(channel, ['x']);
      expect((await newer.answer()).body).toBe('{"seq":1,"messages":["x"]}\n');
      older.close();
      newer.close();
    });

    test('D-19 on two edges both have it, and either can go on', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      const polls = [
        await park({ channels: channel, session }, 0),
        await park({ channels: channel, session }, 1),
      ];
      await pushAll(channel, ['x']);
      for (const poll of polls) {
        expect((await poll.answer()).body).toBe('{"seq":1,"messages":["x"]}\n');
        poll.close();
      }
      await pushAll(channel, ['y']);
      const batch = await dps().batch({ channels: channel, session, seq: 1 });
      expect(batch).toEqual({ seq: 2, messages: ['y'] });
    });

    test('D-20 a session is of its client: the same name of others is another one', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      await pushAll(channel, ['x']);
      const ask = (token?: string, seq?: number) =>
        dps().batch({ channels: channel, session, token, seq });
      expect((await ask()).messages).toEqual(['x']);
      expect((await ask(tokenFor('ann'), 1)).messages).toEqual(['x']);
      await pushAll(channel, ['y']);
      // Another token of the same client.
      expect(await ask(tokenFor('ann', { ttlSeconds: 77 }), 2)).toEqual({
        seq: 3,
        messages: ['y'],
      });
      expect((await ask(tokenFor('bob'))).messages).toEqual(['x', 'y']);
      const keys = await stack.redis.client.keys(`*:dps:*/${session}`);
      expect(keys.map((key) => key.split(':dps:')[1]).toSorted()).toEqual(
        ['', 'ann', 'bob'].map((owner) => `${owner}/${session}`),
      );
    });

    test('D-50 the answer waits until its mark is kept; if that fails nothing is lost', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      const parked = await park({ channels: channel, session });
      const { client } = stack.redis;
      // All keys but those of sessions.
      const others = ['~halley:{*}:[^d]*', '~halley:edge*', '~halley:revoked'];
      await client.call('ACL', 'SETUSER', 'default', 'resetkeys', ...others);
      try {
        await pushAll(channel, ['x']);
        const refused = await parked.answer();
        expectRefusal(refused, '503 Service Unavailable', 'unavailable');
        expect(refused.headers.get('retry-after')).toBe('1');
      } finally {
        await client.call('ACL', 'SETUSER', 'default', 'allkeys');
      }
      parked.close();
      const batch = await dps(1).batch({ channels: channel, session });
      expect(batch).toEqual({ seq: 1, messages: ['x'] });
    });

    test('D-52 of 500 polls whose clients go nothing stays', async () => {
      const channel = channelIn('open');
      const polls = await Promise.all(
        countTo(500).map((id) =>
          dps().begin({ channels: `${channel},open:own${id}`, session: `gone${id}` }),
        ),
      );
      await holds(500);
      for (const [index, poll] of polls.entries()) index % 2 ? poll.close() : poll.reset();
      await holds(0);
    });
  });

  describe('refusals', () => {
    const long = 'x'.repeat(201);
    test.each([
      ['no_channels', {}],
      ['no_channels', { channels: '', session: 's' }],
      ['no_session', { channels: 'open:a' }],
      ['no_session', { channels: 'open:a', session: '' }],
      ['bad_session', { channels: 'open:a', session: long }],
      ['bad_session', { channels: 'open:a', session: 'ü'.repeat(101) }],
      ['bad_seq', { channels: 'open:a', session: 's', seq: 'x' }],
      ['bad_seq', { channels: 'open:a', session: 's', seq: -1 }],
      ['bad_seq', { channels: 'open:a', session: 's', seq: '1'.repeat(16) }],
      ['bad_channel', { channels: 'open:a,,open:b', session: 's' }],
      ['bad_channel', { channels: 'open:ü', session: 's' }],
      ['bad_channel', { channels: long, session: 's' }],
      ['too_many_channels', { channels: countTo(65).join(','), session: 's' }],
    ])('D-60 %s for a poll of %j', async (word, params) => {
      expectRefusal(await dps().poll(params), '400 Bad Request', word);
    });

    test('D-60 64 channels and a session of 200 bytes are none too many', async () => {
      const channels = countTo(64).map((id) => `open:many${id}`);
      await pushAll(channels[63] ?? '', ['x']);
      const batch = await dps().batch({ channels: channels.join(','), session: 'x'.repeat(200) });
      expect(batch.messages).toEqual(['x']);
    });

    test('D-3 D-60 no right: the poll is refused as a whole', async () => {
      const params = { channels: 'open:a,closed:a', session: newSession() };
      expectRefusal(await dps().poll(params), '403 Forbidden', 'forbidden');
      const token = tokenFor('ann', { subscribe: ['closed:*'], publish: ['closed:*'] });
      await dps().push({ channel: 'closed:a', token }, '1');
      const session = newSession();
      const bearer = await dps().poll({ channels: 'closed:a', session }, [
        `Authorization: Bearer ${token}`,
      ]);
      expect(batchOf(bearer).messages).toEqual([1]);
      // Each poll is asked anew.
      const unnamed = await dps().poll({ channels: 'closed:a', session, seq: 1 });
      expectRefusal(unnamed, '403 Forbidden', 'forbidden');
      const bad = await dps().poll({ ...params, token: 'x.y.z' });
      expectRefusal(bad, '401 Unauthorized', 'bad_token');
    });

    test.each([
      ['400 Bad Request', 'no_channel', {}, '1'],
      ['400 Bad Request', 'no_channel', { channel: '' }, '1'],
      ['400 Bad Request', 'bad_channel', { channel: 'a b' }, '1'],
      ['400 Bad Request', 'invalid_json', { channel: 'open:a' }, ''],
      ['400 Bad Request', 'invalid_json', { channel: 'open:a' }, '{"a":1} x'],
      ['400 Bad Request', 'invalid_json', { channel: 'open:a' }, '\ufeff1'],
      ['403 Forbidden', 'forbidden', { channel: 'closed:a' }, '1'],
      ['403 Forbidden', 'forbidden', { channel: '@client:ann' }, '1'],
      ['413 Payload Too Large', 'too_large', { channel: 'small:a' }, `"${'x'.repeat(99)}"`],
      ['413 Payload Too Large', 'too_large', { channel: 'open:a' }, `"${'x'.repeat(65_535)}"`],
    ])('D-60 %s %s for a push', async (status, word, params, body) => {
      expectRefusal(await dps().push(params, body), status, word);
    });

    test('D-60 a body that is no UTF-8 is no JSON; the largest one passes', async () => {
      const raw = await dps().beginPush({ channel: 'open:a' }, '');
      raw.close();
      const target = '/dps/push?channel=open:a';
      const head = `POST ${target} HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\n`;
      const wrong = await dps().begin({});
      await wrong.answer();
      wrong.send(Buffer.concat([Buffer.from(head), Buffer.from([0x22, 0xff, 0x22])]));
      expectRefusal(await wrong.answer(), '400 Bad Request', 'invalid_json');
      wrong.close();
      const largest = await dps().push({ channel: 'open:a' }, `"${'x'.repeat(65_534)}"`);
      expect(largest.body).toBe('true\n');
    });

    test('D-2 methods', async () => {
      const get = await dps().request('GET', 'poll', { channels: 'open:a' });
      expectRefusal(get, '400 Bad Request', 'upgrade_required');
      for (const [path, allow] of [
        ['poll', 'POST, GET, OPTIONS'],
        ['push', 'POST, OPTIONS'],
      ] as const) {
        const put = await dps().request('PUT', path, {});
        expectRefusal(put, '405 Method Not Allowed', 'method_not_allowed');
        expect(put.headers.get('allow')).toBe(allow);
      }
    });

    test('D-4 pages of configured origins may read the answers, others may not ask', async () => {
      const origin = `Origin: ${ORIGIN}`;
      for (const path of ['poll', 'push'] as const) {
        const asked = await dps().request('OPTIONS', path, {}, [origin]);
        expect(asked.statusLine).toBe('HTTP/1.1 200 OK');
        expect(asked.body).toBe('ok\n');
        expect(Object.fromEntries(asked.headers)).toMatchObject({
          'content-type': 'application/json',
          'access-control-allow-origin': ORIGIN,
          'access-control-allow-methods': 'POST, GET, OPTIONS',
          'access-control-allow-headers': 'Content-Type, Origin, Accept, Authorization',
        });
      }
      const pushed = await dps().push({ channel: 'open:cors' }, '1', [origin]);
      const polled = await dps().poll({ channels: 'open:cors', session: newSession() }, [origin]);
      const refused = await dps().poll({}, [origin]);
      for (const { headers } of [pushed, polled, refused]) {
        expect(headers.get('access-control-allow-origin')).toBe(ORIGIN);
        expect(headers.get('vary')).toBe('Origin');
      }
      const other = ['Origin: https://other.example'];
      const params = { channels: 'open:cors', session: newSession() };
      for (const answer of [
        await dps().poll(params, other),
        await dps().push({ channel: 'open:cors' }, '1', other),
      ]) {
        expectRefusal(answer, '403 Forbidden', 'origin_refused');
        expect(answer.headers.get('access-control-allow-origin')).toBeUndefined();
      }
      expect(
        (await dps().request('OPTIONS', 'push', {}, other)).headers.get(
          'access-control-allow-origin',
        ),
      ).toBeUndefined();
    });
  });

  describe('WebSockets', () => {
    const stampOf = (id: unknown) => {
      const [, ms, number] = /^(\d+)-(\d+)/.exec(String(id)) ?? [];
      return Number(ms) * 1_000 + Number(number);
    };
    const publish = async (channel: string, data: unknown) =>
      stampOf(((await stack.rest.publish(channel, data)).body as { id?: unknown }).id);

    test('D-40 D-41 first what is kept in one frame, then a frame for each message', async () => {
      const [a, b] = [channelIn('open'), channelIn('open')];
      await publish(a, 1);
      await publish(b, 2);
      const third = await publish(a, 3);
      const socket = await dps(1).socket({ channels: `${a},${b}` });
      await socket.received(3);
      const fourth = await publish(b, 4);
      const fifth = await publish(a, { five: true });
      await socket.received(5);
      expect(socket.texts).toEqual([
        `{"seq":${third},"messages":[1,2,3]}`,
        `{"seq":${fourth},"messages":[4]}`,
        `{"seq":${fifth},"messages":[{"five":true}]}`,
      ]);
      await socket.close();
    });

    test('D-40 D-41 from a seq on what is newer; at most the last 40', async () => {
      const channel = channelIn('open');
      await pushAll(channel, countTo(50));
      const first = await dps().socket({ channels: channel });
      expect(await first.received(40)).toEqual(countTo(50).slice(10));
      const seq = first.batches.at(-1)?.seq ?? 0;
      await first.close();
      await pushAll(channel, [51, 52]);
      const again = await dps(1).socket({ channels: channel, seq });
      expect(await again.received(2)).toEqual([51, 52]);
      const live = await publish(channel, 53);
      await again.received(3);
      expect(again.batches.at(-1)).toEqual({ seq: live, messages: [53] });
      await again.close();
      const upToDate = await dps().socket({ channels: channel, seq: live });
      await holds(1);
      await pushAll(channel, [54]);
      expect(await upToDate.received(1)).toEqual([54]);
      await upToDate.close();
    });

    test('D-41 a history that is larger than may wait comes whole and in order', async () => {
      const channel = channelIn('open');
      const large = countTo(40).map((id) => `${id} ${'x'.repeat(60_000)}`);
      await pushAll(channel, large);
      const socket = await dps().socket({ channels: channel });
      expect(await socket.received(40)).toEqual(large);
      await pushAll(channel, ['live']);
      expect(await socket.received(41)).toEqual([...large, 'live']);
      await socket.close();
    });

    test('D-42 what a client sends means nothing, up to a size', async () => {
      const channel = channelIn('open');
      const socket = await dps().socket({ channels: channel });
      socket.socket.send('hello');
      socket.socket.send('x'.repeat(4_096));
      await holds(1);
      await pushAll(channel, [1]);
      await socket.received(1);
      expect(socket.messages).toEqual([1]);
      socket.socket.send('x'.repeat(4_097));
      expect((await within(socket.closed, 'the end')).code).toBe(1006);
    });

    test.each([
      [4003, 'no_channels', {}],
      [4003, 'bad_channel', { channels: 'open:a,' }],
      [4003, 'too_many_channels', { channels: countTo(65).join(',') }],
      [4003, 'bad_seq', { channels: 'open:a', seq: 'x' }],
      [4003, 'forbidden', { channels: 'open:a,closed:a' }],
      [4301, 'bad_token', { channels: 'open:a', token: 'x.y.z' }],
    ])('D-43 closed with %d %s for %j', async (code, word, params) => {
      const socket = await dps().socket(params);
      const closed = await within(socket.closed, 'the refusal');
      expect(closed).toMatchObject({ code, reason: expect.stringMatching(`^${word}: `) });
      expect(socket.texts).toEqual([]);
      await holds(0);
    });

    test('D-43 an origin that is not configured', async () => {
      const socket = await dps().socket({ channels: 'open:a' }, 'https://other.example');
      expect(await within(socket.closed, 'the refusal')).toMatchObject({ code: 4001 });
    });
  });

  describe('the end', () => {
    test('D-51 the token expires, or is revoked', async () => {
      const channels = channelIn('open');
      // Two seconds of its leeway are left.
      const token = tokenFor('eve', { ttlSeconds: 1 }, Date.now() - 29_000);
      const expiring = await dps().begin({ channels, session: newSession(), token });
      expectRefusal(await expiring.answer(), '401 Unauthorized', 'token_expired');
      expiring.close();
      await holds(0);
      const ended = await dps().begin({ channels, session: newSession(), token: tokenFor('eve') });
      const socket = await dps().socket({ channels, token: tokenFor('eve') });
      await holds(2);
      await stack.rest.post('/clients/eve/revoke', {});
      expectRefusal(await ended.answer(), '401 Unauthorized', 'token_revoked');
      expect((await within(socket.closed, 'the end')).code).toBe(4302);
      ended.close();
    });

    test('D-51 the operator ends the subscription', async () => {
      const channels = channelIn('open');
      const params = { channels, session: newSession(), token: tokenFor('kim') };
      const ended = await dps().begin(params);
      const socket = await dps().socket(params);
      await eventually(async () => {
        const { body } = await stack.rest.get(`/channels/${channels}`);
        return (body as { readonly subscribers?: number }).subscribers === 2;
      }, 'both are there');
      await stack.rest.delete(`/channels/${channels}/members/kim`, { seconds: 60 });
      expectRefusal(await ended.answer(), '403 Forbidden', 'kicked');
      expect(await within(socket.closed, 'the end')).toEqual({ code: 4000, reason: 'kicked' });
      ended.close();
      expectRefusal(await dps(1).poll(params), '403 Forbidden', 'banned');
    });

    test('D-50 while the store is away polls and pushes are refused', async () => {
      const [channel, session] = [channelIn('open'), newSession()];
      const { server } = stack.redis;
      server.pause();
      try {
        const push = await dps().push({ channel }, '1');
        expect(push.statusLine).toBe('HTTP/1.1 503 Service Unavailable');
        expect(push.body).toMatch(/^\{"error" : "(unavailable|outcome_unknown)"\}\n$/);
        const poll = await dps().poll({ channels: channel, session });
        expectRefusal(poll, '503 Service Unavailable', 'unavailable');
      } finally {
        server.resume();
      }
    });
  });
});

describe('a port for DPS alone, overload, and a leaving edge', () => {
  const stack = useFleet({
    edges: 1,
    config: { namespaces: { open: OPEN } },
    edgeEnv: {
      HALLEY_REDIS_TIMEOUT_MS: '9000',
      HALLEY_POLL_PRESENCE_MS: '500',
      // A thousand pushes come from one address.
      HALLEY_RATE_PUBLISH: '0',
    },
  });

  test('D-1 the port has the paths without their prefix, and nothing else', async () => {
    const port = await freePort();
    const edge = await stack.fleet.addEdge({ HALLEY_DPS_PORT: String(port) });
    const bare = new DpsPort(port, '');
    const channel = channelIn('open');
    expect((await bare.push({ channel }, '1')).body).toBe('true\n');
    const polled = await new DpsPort(edge.port).poll({ channels: channel, session: 'bare' });
    expect(polled.body).toBe('{"seq":1,"messages":[1]}\n');
    const socket = await bare.socket({ channels: channel });
    expect(await socket.received(1)).toEqual([1]);
    await bare.push({ channel }, '2');
    expect(await socket.received(2)).toEqual([1, 2]);
    expect((await bare.poll({ channels: channel, session: 'bare', seq: 1 })).body).toBe(
      '{"seq":2,"messages":[2]}\n',
    );
    expect((await bare.request('OPTIONS', 'push', {})).body).toBe('ok\n');
    expect((await bare.request('GET', 'poll', {})).statusLine).toBe('HTTP/1.1 400 Bad Request');
    for (const path of ['/', '/dps/poll', '/v1/ws', '/metrics']) {
      expect((await rawRequest(port, getText(path))).statusLine).toBe('HTTP/1.1 404 Not Found');
    }
    const main = await new DpsPort(edge.port, '').push({ channel }, '3');
    expect(main.statusLine).toBe('HTTP/1.1 404 Not Found');
    await socket.close();
    await edge.terminate();
  });

  test('D-4 in development any page may ask', async () => {
    const dps = new DpsPort(stack.edge().port);
    const { headers } = await dps.push({ channel: 'open:any' }, '1', ['Origin: http://a.example']);
    expect(headers.get('access-control-allow-origin')).toBe('http://a.example');
  });

  test('D-32 of 1001 pushes to a channel that wait one is refused; other channels go on', async () => {
    const edge = stack.edge();
    const dps = new DpsPort(edge.port);
    const channel = channelIn('open');
    const waiting = await (async () => {
      await stack.redis.client.call('CLIENT', 'PAUSE', '60000', 'WRITE');
      try {
        const pushes = await Promise.all(
          countTo(1_000).map((id) => dps.beginPush({ channel }, `${id}`)),
        );
        const areThere = async () => (await counterOf(edge, 'halley_connections')) === 1_000;
        await eventually(areThere, '1000 pushes wait');
        const refused = await dps.push({ channel }, '1001');
        expectRefusal(refused, '429 Too Many Requests', 'overloaded');
        expect(refused.headers.get('retry-after')).toBe('1');
        pushes.push(await dps.beginPush({ channel: 'open:other' }, '1'));
        return pushes;
      } finally {
        await stack.redis.client.call('CLIENT', 'UNPAUSE');
      }
    })();
    for (const push of waiting) {
      expect((await push.answer()).body).toBe('true\n');
      push.close();
    }
    expect((await dps.push({ channel }, '1002')).body).toBe('true\n');
  }, 60_000);

  test('D-53 a leaving edge tells all who wait; another one goes on', async () => {
    const leaving = await stack.fleet.addEdge();
    const channel = channelIn('open');
    const params = { channels: channel, session: 'moving' };
    const polls = [await new DpsPort(leaving.port).begin(params)];
    const key = dpsSessionKey('/moving');
    await eventually(
      async () => (await stack.redis.client.exists(key)) === 1,
      'the session is kept',
    );
    const socket = await new DpsPort(leaving.port).socket({ channels: channel });
    const exit = leaving.terminate();
    for (const poll of polls) {
      const answer = await poll.answer();
      expectRefusal(answer, '503 Service Unavailable', 'draining');
      expect(answer.headers.get('connection')).toBe('close');
      expect(await within(poll.closed, 'the connection is closed')).toBe('ended');
    }
    expect((await within(socket.closed, 'the end')).code).toBe(4201);
    const dps = new DpsPort(stack.edge().port);
    await dps.push({ channel }, '"on the move"');
    expect(await dps.batch(params)).toEqual({ seq: 1, messages: ['on the move'] });
    expect(await exit).toMatchObject({ code: 0 });
  });
});
