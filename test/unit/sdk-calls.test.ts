/** What an application asks and publishes, through connections that come and go. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CALLS_MAX } from '../../libs/sdk/dist/calls.js';
import { HalleyError } from '../../libs/sdk/dist/errors.js';
import { TIMINGS } from '../../libs/sdk/dist/timings.js';
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

describe('calls', () => {
  const answer = (fields: object) => {
    const { ref } = one.line.of('publish').at(-1) ?? { ref: 0 };
    return one.frame({ type: 'published', ref, id: P(1), ...fields });
  };

  test('a publish that was not answered is sent again by its key', async () => {
    await one.up();
    const published = one.session.publish('c', { n: 1 }, { event: 'e' });
    await settle();
    const [first] = one.line.of('publish');
    expect(first?.key).toMatch(/^\w{10,}$/);
    one.session.receive({ type: 'down' });
    await one.up('c2');
    expect(one.line.of('publish')).toEqual([first]);
    await answer({ repeated: true });
    // Nobody but this library has used the key.
    expect(await published).toEqual({ id: P(1), repeated: undefined });
    await one.up('c3');
    expect(one.line.sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a key of the application is kept, and that it was repeated is told', async () => {
    await one.up();
    const published = one.session.publish('c', 1, { key: 'k' });
    await settle();
    expect(one.line.of('publish')).toMatchObject([{ key: 'k' }]);
    await answer({ repeated: true });
    expect(await published).toEqual({ id: P(1), repeated: true });
  });

  test('no two publishes have one key', async () => {
    await one.up();
    for (let n = 0; n < 100; n += 1) void one.session.publish('c', n, {});
    await settle();
    expect(new Set(one.line.of('publish').map(({ key }) => key)).size).toBe(100);
  });

  test('calls made before there is a connection wait for it', async () => {
    const history = one.session.ask({ type: 'history', channel: 'c', limit: 2 });
    await tick(TIMINGS.callMs - 1);
    await one.up();
    const [asked] = one.line.of('history');
    expect(asked).toMatchObject({ channel: 'c', limit: 2 });
    const page = { messages: [], position: P(1), more: false };
    await one.frame({ type: 'history', ref: asked?.ref ?? 0, channel: 'c', ...page });
    expect(await history).toMatchObject(page);
  });

  test('without an answer in time: timeout, with its channel, through reconnects', async () => {
    const call = one.session.ask({ type: 'members', channel: 'c' });
    const end = call.catch((error: HalleyError) => ({ code: error.code, channel: error.channel }));
    await one.up();
    await tick(TIMINGS.callMs / 2);
    await one.up('c2');
    await tick(TIMINGS.callMs / 2);
    expect(await end).toEqual({ code: 'timeout', channel: 'c' });
    await one.up('c3');
    expect(one.line.sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each(['unavailable', 'outcome-unknown', 'draining', 'internal'])(
    '%s is tried again with the same frame, and is the failure where time runs out',
    async (code) => {
      await one.up();
      const end = codeOf(one.session.publish('c', 1, {}));
      await settle();
      await one.refuse(code);
      await tick(RETRY_MS);
      const [first, second] = one.line.of('publish');
      expect(second).toEqual(first);
      await one.refuse(code, { retryAfterMs: 2_000 });
      await tick(1_999);
      expect(one.line.of('publish')).toHaveLength(2);
      await tick(1);
      expect(one.line.of('publish')).toHaveLength(3);
      await tick(TIMINGS.callMs);
      expect(await end).toBe(code);
    },
  );

  test('another refusal is the failure, with all that the edge said', async () => {
    await one.up();
    const call = one.session.publish('c', 1, {});
    const end = call.catch((error: HalleyError) => error);
    await settle();
    await one.refuse('bad-field', { field: 'event', channel: 'c', retryAfterMs: 7 });
    expect(await end).toMatchObject({
      name: 'HalleyError',
      code: 'bad-field',
      message: 'bad-field',
      field: 'event',
      channel: 'c',
      retryAfterMs: 7,
    });
    expect(await end).toBeInstanceOf(HalleyError);
  });

  test('no more than a thousand wait', async () => {
    const calls = Array.from({ length: CALLS_MAX }, () =>
      codeOf(one.session.ask({ type: 'members', channel: 'c' })),
    );
    expect(await codeOf(one.session.ask({ type: 'members', channel: 'c' }))).toBe('too-many-calls');
    one.session.failCalls(new HalleyError('closed'));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['closed']));
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a call that waits for its next try leaves nothing when all are failed', async () => {
    await one.up();
    const end = codeOf(one.session.publish('c', 1, {}));
    await settle();
    await one.refuse('unavailable', { retryAfterMs: 9_000 });
    one.session.failCalls(new HalleyError('closed'));
    expect(await end).toBe('closed');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a failure that belongs to no question is told', async () => {
    await one.up();
    await one.frame({ type: 'error', code: 'bad-frame', message: 'what?' });
    expect(one.faults).toMatchObject([{ code: 'bad-frame' }]);
  });
});

describe('echo: false', () => {
  const answer = (index: number, n: number) => {
    const { ref } = one.line.of('publish')[index] ?? { ref: 0 };
    return one.frame({ type: 'published', ref, id: P(n) });
  };

  beforeEach(async () => {
    await one.up();
    one.subscribe({ echo: false });
    await settle();
    await one.subscribed(P(0));
  });

  test.each([
    ['before', true],
    ['after', false],
  ])('an own message that comes %s its answer is not delivered', async (_, isBefore) => {
    void one.session.publish('c', 'own', {});
    await settle();
    if (isBefore) await one.message(1);
    await answer(0, 1);
    if (!isBefore) await one.message(1);
    await one.message(2);
    expect(one.taken()).toEqual([2]);
  });

  test('those of others wait for the answer, and come in order', async () => {
    void one.session.publish('c', 'own', {});
    await settle();
    for (const n of [1, 2, 3]) await one.message(n);
    expect(one.taken()).toEqual([]);
    await answer(0, 2);
    await one.message(4);
    expect(one.taken()).toEqual([1, 3, 4]);
  });

  test('those of others come also where the publish fails', async () => {
    const end = codeOf(one.session.publish('c', 'own', {}));
    await settle();
    await one.message(1);
    await one.refuse('forbidden');
    expect(await end).toBe('forbidden');
    expect(one.taken()).toEqual([1]);
  });

  test('those of other channels do not wait', async () => {
    void one.session.publish('other', 'own', {});
    await settle();
    await one.message(1);
    expect(one.taken()).toEqual([1]);
  });

  test('a page that publishes without a pause hears the others all the same', async () => {
    for (let n = 0; n < 20; n += 1) {
      void one.session.publish('c', 'own', {});
      await settle();
      await one.message(2 * n);
      if (n > 0) await answer(n - 1, 2 * n - 1);
    }
    expect(one.taken()).toContain(2);
  });
});
