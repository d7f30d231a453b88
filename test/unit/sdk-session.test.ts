/** What an application listens to, through connections that come and go. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Authorize } from '../../libs/sdk/dist/options.js';
import type { Gap, Message } from '../../libs/sdk/dist/types.js';
import { positionAt, settle } from '../kit/sdk-doubles.js';
import { codeOf, SessionUnderTest } from '../kit/sdk-session.js';

const RETRY_MS = 1_000;
const P = (n: number) => positionAt(n);
const tick = (ms: number) => vi.advanceTimersByTimeAsync(ms);

let one: SessionUnderTest;

beforeEach(() => {
  vi.useFakeTimers();
  one = new SessionUnderTest();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('subscriptions', () => {
  test('what was asked before there was a connection is asked of it, in one go', async () => {
    one.subscribe({}, 'a');
    one.subscribe({ last: 3 }, 'b');
    one.subscribe({ after: P(1) }, 'c');
    await settle();
    expect(one.line.sent).toEqual([]);
    await one.up();
    expect(one.line.of('subscribe').map(({ ref: _, ...frame }) => frame)).toEqual([
      { type: 'subscribe', channel: 'a' },
      { type: 'subscribe', channel: 'b', last: 3 },
      { type: 'subscribe', channel: 'c', after: P(1) },
    ]);
  });

  test('nothing is delivered before the answer, everything after it, once', async () => {
    await one.up();
    const { ready, position } = one.subscribe();
    expect(position).toBeNull();
    await settle();
    await one.message(1);
    expect(one.taken()).toEqual([]);
    await one.subscribed(P(1));
    await ready;
    for (const n of [1, 2, 2, 3]) await one.message(n);
    expect(one.taken()).toEqual([2, 3]);
  });

  test('a new connection is asked for what follows the last message', async () => {
    await one.up();
    const subscription = one.subscribe({ last: 5 });
    await settle();
    await one.subscribed(P(2), { replayed: 2 });
    await one.message(1);
    await one.message(2);
    one.session.receive({ type: 'down' });
    await one.message(3);
    await one.up('c2');
    expect(one.line.of('subscribe')).toMatchObject([{ channel: 'c', after: P(2) }]);
    expect(one.line.of('subscribe')[0]).not.toHaveProperty('last');
    await one.subscribed(P(3), { recovered: true, replayed: 1 });
    await one.message(3);
    expect(one.taken()).toEqual([1, 2, 3]);
    expect(subscription.position).toBe(P(3));
    expect(one.gaps).toEqual([]);
  });

  test('a rewind that is cut before its first message is asked for again', async () => {
    await one.up();
    one.subscribe({ last: 5 });
    await settle();
    await one.subscribed(P(2), { replayed: 2 });
    await one.up('c2');
    expect(one.line.of('subscribe')).toMatchObject([{ last: 5 }]);
  });

  test('a gap is told, the rest comes once and in order', async () => {
    await one.up();
    const subscription = one.subscribe();
    const gaps: Gap[] = [];
    subscription.on('gap', (gap) => gaps.push(gap));
    await settle();
    await one.subscribed(P(0));
    for (const n of [4, 5]) await one.message(n);
    await one.up('c2');
    await one.subscribed(P(9), { recovered: false, replayed: 3 });
    for (const n of [5, 8, 9, 10]) await one.message(n);
    expect(one.taken()).toEqual([4, 5, 8, 9, 10]);
    expect(gaps).toEqual([{ channel: 'c', position: P(9) }]);
    expect(one.gaps).toEqual(gaps);
  });

  test('two subscriptions of one channel: each from its place, one unsubscribe for both', async () => {
    await one.up();
    const first = one.subscribe();
    await settle();
    await one.subscribed(P(5));
    const data: unknown[] = [];
    const options = { last: 2, authorizer: undefined };
    const second = one.session.subscribe('c', (message) => data.push(message.data), options);
    await settle();
    await one.subscribed(P(5), { replayed: 2 });
    for (const n of [4, 5, 6]) await one.message(n);
    expect([one.taken(), data]).toEqual([[6], [4, 5, 6]]);
    first.unsubscribe();
    await settle();
    expect(one.line.of('unsubscribe')).toEqual([]);
    second.unsubscribe();
    await settle();
    expect(one.line.of('unsubscribe')).toMatchObject([{ channel: 'c' }]);
    await one.message(7);
    expect(one.taken()).toEqual([]);
    await one.up('c2');
    expect(one.line.of('subscribe')).toEqual([]);
  });

  test('an answer that comes for the connection before is not taken', async () => {
    await one.up();
    one.subscribe();
    await settle();
    const { ref } = one.line.of('subscribe')[0] ?? { ref: 0 };
    await one.up('c2');
    await one.frame({ type: 'subscribed', ref, channel: 'c', position: P(1) });
    await one.message(2);
    expect(one.taken()).toEqual([]);
  });

  test.each(['unavailable', 'internal', 'draining'])(
    '%s: asked again a moment later',
    async (code) => {
      await one.up();
      const subscription = one.subscribe();
      await settle();
      await one.refuse(code);
      await tick(RETRY_MS - 1);
      expect(one.line.of('subscribe')).toHaveLength(1);
      await tick(1);
      expect(one.line.of('subscribe')).toHaveLength(2);
      await one.refuse(code, { retryAfterMs: 5_000 });
      await tick(4_999);
      expect(one.line.of('subscribe')).toHaveLength(2);
      await tick(1);
      await one.subscribed(P(1));
      await subscription.ready;
    },
  );

  test('one that is asked for again later is not, where the connection was replaced', async () => {
    await one.up();
    one.subscribe();
    await settle();
    await one.refuse('unavailable');
    await one.up('c2');
    await tick(RETRY_MS);
    expect(one.line.of('subscribe')).toHaveLength(1);
  });

  test('another refusal ends it, and is no matter of the next connection', async () => {
    await one.up();
    const subscription = one.subscribe();
    const ends: unknown[] = [];
    subscription.on('end', (end) => ends.push(end));
    await settle();
    await one.refuse('forbidden', { channel: 'c' });
    expect(await codeOf(subscription.ready)).toBe('forbidden');
    expect(ends).toEqual([{ code: 'forbidden' }]);
    await one.up('c2');
    expect(one.line.sent).toEqual([]);
  });

  test('one that the edge ends says why, and is not asked for again', async () => {
    await one.up();
    const subscription = one.subscribe();
    const ends: unknown[] = [];
    subscription.on('end', (end) => ends.push(end));
    await settle();
    await one.subscribed(P(1));
    await one.frame({ type: 'unsubscribed', channel: 'c', code: 'banned' });
    expect(ends).toEqual([{ code: 'banned' }]);
    expect(subscription.isEnded).toBe(true);
  });

  test('members at the subscription, who comes and who goes', async () => {
    await one.up();
    const subscription = one.subscribe();
    const seen: unknown[] = [];
    subscription.on('join', ({ clientId, info }) => seen.push(['join', clientId, info]));
    subscription.on('leave', ({ clientId }) => seen.push(['leave', clientId]));
    await settle();
    await one.subscribed(P(1), { members: 3 });
    await one.frame({ type: 'join', channel: 'c', clientId: 'bob', info: { a: 1 } });
    await one.frame({ type: 'leave', channel: 'c', clientId: 'bob' });
    expect(subscription.members).toBe(3);
    expect(seen).toEqual([
      ['join', 'bob', { a: 1 }],
      ['leave', 'bob'],
    ]);
  });

  test('a handler that throws does not keep the next message back', async () => {
    await one.up();
    const seen: unknown[] = [];
    const failing = ({ data }: Message) => {
      seen.push(data);
      throw new Error('handler');
    };
    one.session.subscribe('c', failing, { authorizer: undefined });
    await settle();
    await one.subscribed(P(0));
    await one.message(1);
    await one.message(2);
    expect(seen).toEqual([1, 2]);
    expect(one.faults).toHaveLength(2);
  });

  test('positions are those of channels that have begun', async () => {
    await one.up();
    one.subscribe();
    one.subscribe({}, 'other');
    await settle();
    const [asked] = one.line.of('subscribe');
    await one.frame({ type: 'subscribed', ref: asked?.ref ?? 0, channel: 'c', position: P(4) });
    expect(one.session.positions()).toEqual({ c: P(4) });
  });
});

describe('private messages', () => {
  const receive = (n: number) => one.frame({ type: 'private', id: P(n), data: n });
  const data = () => one.privates.map((message) => message.data);

  test('each once, also through connections', async () => {
    await one.up('c1', P(0));
    for (const n of [1, 2, 2]) await receive(n);
    await one.up('c2', P(2));
    for (const n of [2, 3]) await receive(n);
    expect(data()).toEqual([1, 2, 3]);
    expect(one.session.queuePosition).toBe(P(3));
  });

  test('a gap jumps, and is told', async () => {
    await one.up('c1', P(5));
    await one.frame({ type: 'gap', position: P(2) });
    await receive(3);
    expect(one.gaps).toEqual([{ position: P(2) }]);
    expect(data()).toEqual([3]);
  });

  test('a gap between two connections is told, and what is replayed after it comes once', async () => {
    await one.up('c1', P(0));
    for (const n of [1, 2]) await receive(n);
    await one.up('c2', '0-0', P(6));
    for (const n of [2, 5, 6, 7]) await receive(n);
    expect(one.gaps).toEqual([{ position: P(6) }]);
    expect(data()).toEqual([1, 2, 5, 6, 7]);
  });

  test('a gap without a replay leaves its place', async () => {
    await one.up('c1', P(1));
    await one.up('c2', P(6), P(6));
    expect(one.session.queuePosition).toBe(P(6));
  });
});

describe('authorize', () => {
  const tokens = (...given: (string | null | Error)[]) =>
    vi.fn<Authorize>(async () => {
      const next = given.shift() ?? null;
      if (next instanceof Error) throw next;
      return next;
    });

  test('for one channel it is asked before the first attempt', async () => {
    await one.up('c7');
    const authorizer = tokens('t1');
    one.subscribe({ authorize: authorizer, authorizer });
    await settle();
    expect(authorizer).toHaveBeenCalledExactlyOnceWith('c', 'c7');
    expect(one.line.of('subscribe')).toMatchObject([{ token: 't1' }]);
  });

  test('for all channels it is asked only where the edge wants more', async () => {
    await one.up();
    const authorizer = tokens('t1');
    one.subscribe({ authorizer });
    await settle();
    expect(authorizer).not.toHaveBeenCalled();
    await one.refuse('forbidden');
    expect(one.line.of('subscribe')).toMatchObject([{ channel: 'c' }, { token: 't1' }]);
    await one.subscribed(P(1));
    await one.up('c2');
    expect(one.line.of('subscribe')).toMatchObject([{ token: 't1' }]);
  });

  test.each(['forbidden', 'bad-token', 'token-expired', 'token-revoked'])(
    '%s: once more with another token, then it is over',
    async (code) => {
      await one.up();
      const authorizer = tokens('t1', 't2', 't3');
      const { ready } = one.subscribe({ authorize: authorizer, authorizer });
      await settle();
      await one.refuse(code);
      expect(one.line.of('subscribe')).toMatchObject([{ token: 't1' }, { token: 't2' }]);
      await one.refuse(code);
      expect(await codeOf(ready)).toBe(code);
      expect(authorizer).toHaveBeenCalledTimes(2);
    },
  );

  test('tokens that were taken in between count anew', async () => {
    await one.up();
    const authorizer = tokens('t1', 't2', 't3');
    const subscription = one.subscribe({ authorize: authorizer, authorizer });
    await settle();
    await one.subscribed(P(1));
    for (const connection of ['c2', 'c3']) {
      await one.up(connection);
      await one.refuse('token-expired');
      await one.subscribed(P(1), { recovered: true });
    }
    expect(subscription.isEnded).toBe(false);
    expect(authorizer).toHaveBeenCalledTimes(3);
  });

  test('an application that refuses ends it', async () => {
    await one.up();
    const authorizer = tokens(null);
    const { ready } = one.subscribe({ authorize: authorizer, authorizer });
    expect(await codeOf(ready)).toBe('not-authorized');
    expect(one.line.of('subscribe')).toEqual([]);
  });

  test('an application that cannot be reached is asked again, and that is told', async () => {
    await one.up();
    const authorizer = tokens(new Error('away'), 't1');
    one.subscribe({ authorize: authorizer, authorizer });
    await settle();
    expect(one.faults).toMatchObject([{ code: 'not-authorized', channel: 'c' }]);
    await tick(RETRY_MS);
    expect(one.line.of('subscribe')).toMatchObject([{ token: 't1' }]);
  });

  test('a token that comes for the connection before is not shown to the next one', async () => {
    await one.up('c1');
    const gives: ((token: string) => void)[] = [];
    const authorizer = vi.fn<Authorize>(() => new Promise((resolve) => gives.push(resolve)));
    one.subscribe({ authorize: authorizer, authorizer });
    await one.up('c2');
    expect(authorizer.mock.calls).toEqual([
      ['c', 'c1'],
      ['c', 'c2'],
    ]);
    gives[0]?.('t1');
    await settle();
    expect(one.line.of('subscribe')).toEqual([]);
    gives[1]?.('t2');
    await settle();
    expect(one.line.of('subscribe')).toMatchObject([{ token: 't2' }]);
  });

  test('a refusal that no token helps ends it without asking', async () => {
    await one.up();
    const authorizer = tokens('t1');
    const { ready } = one.subscribe({ authorizer });
    await settle();
    await one.refuse('bad-channel');
    expect(await codeOf(ready)).toBe('bad-channel');
    expect(authorizer).not.toHaveBeenCalled();
  });

  test('a subscription that ended meanwhile is not asked for', async () => {
    await one.up();
    const authorizer = tokens('t1');
    one.subscribe({ authorize: authorizer, authorizer }).unsubscribe();
    await settle();
    expect(one.line.of('subscribe')).toEqual([]);
  });
});
