/** The small parts of the SDK: events, loops, the clock, presence. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Emitter } from '../../libs/sdk/dist/emitter.js';
import { HalleyError } from '../../libs/sdk/dist/errors.js';
import { type LifecycleEvents, watchLife } from '../../libs/sdk/dist/lifecycle.js';
import { ITERATOR_MAX_MESSAGES, MessageQueue } from '../../libs/sdk/dist/message-queue.js';
import { PublishLog } from '../../libs/sdk/dist/publish-log.js';
import type { Message } from '../../libs/sdk/dist/types.js';
import { channelOfClient, presenceOf } from '../../libs/sdk/dist/watch.js';
import { positionAt } from '../kit/sdk-doubles.js';

const message = (n: number): Message => ({ channel: 'c', id: positionAt(n), data: n });

describe('events', () => {
  const make = () => {
    const faults: unknown[] = [];
    return {
      faults,
      emitter: new Emitter<{ a: number; b: string }>((thrown) => faults.push(thrown)),
    };
  };

  test('each handler is told in order, until it is taken off', () => {
    const { emitter } = make();
    const seen: unknown[] = [];
    const off = emitter.on('a', (value) => seen.push(['first', value]));
    emitter.on('a', (value) => seen.push(['second', value]));
    emitter.on('b', (value) => seen.push(['b', value]));
    emitter.emit('a', 1);
    off();
    off();
    emitter.emit('a', 2);
    expect(seen).toEqual([
      ['first', 1],
      ['second', 1],
      ['second', 2],
    ]);
  });

  test('it says whether anybody listens', () => {
    const { emitter } = make();
    expect(emitter.emit('a', 1)).toBe(false);
    const off = emitter.on('a', () => undefined);
    expect(emitter.emit('a', 1)).toBe(true);
    off();
    expect(emitter.emit('a', 1)).toBe(false);
  });

  test('a handler that throws, now or later, stops nobody', async () => {
    const { emitter, faults } = make();
    const seen: number[] = [];
    emitter.on('a', () => {
      throw new Error('now');
    });
    emitter.on('a', async () => {
      throw new Error('later');
    });
    emitter.on('a', (value) => seen.push(value));
    emitter.emit('a', 1);
    await Promise.resolve();
    expect(seen).toEqual([1]);
    expect(faults.map((fault) => (fault as Error).message)).toEqual(['now', 'later']);
  });

  test('handlers that come or go during an event count from the next one', () => {
    const { emitter } = make();
    const seen: string[] = [];
    const off = emitter.on('a', () => {
      seen.push('first');
      off();
      emitter.on('a', () => seen.push('new'));
    });
    emitter.on('a', () => seen.push('second'));
    emitter.emit('a', 1);
    expect(seen).toEqual(['first', 'second']);
    emitter.emit('a', 1);
    expect(seen.slice(2)).toEqual(['second', 'new']);
  });
});

describe('for await', () => {
  const make = () => {
    const returned: MessageQueue[] = [];
    return { returned, queue: new MessageQueue((done) => returned.push(done)) };
  };
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => 'none',
      (error: HalleyError) => error.code,
    );

  test('takes what came before and what comes later, in order', async () => {
    const { queue } = make();
    queue.push(message(1));
    const first = await queue.next();
    const later = [queue.next(), queue.next()];
    queue.push(message(2));
    queue.push(message(3));
    const all = [first, ...(await Promise.all(later))];
    expect(all.map(({ value }) => value.data)).toEqual([1, 2, 3]);
  });

  test('ends after what waits, by what ended it', async () => {
    const { queue } = make();
    queue.push(message(1));
    queue.end(new HalleyError('banned'));
    expect((await queue.next()).value.data).toBe(1);
    expect(await codeOf(queue.next())).toBe('banned');
    expect(await queue.next()).toEqual({ value: undefined, done: true });
  });

  test('the end reaches all who wait', async () => {
    const { queue } = make();
    const waiting = [queue.next(), queue.next()];
    queue.end(null);
    expect(await Promise.all(waiting)).toEqual([
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
  });

  test('a loop that is left takes no more, and is told to its owner', async () => {
    const { queue, returned } = make();
    queue.push(message(1));
    queue.push(message(2));
    const seen: unknown[] = [];
    for await (const { data } of queue) {
      seen.push(data);
      break;
    }
    expect(seen).toEqual([1]);
    expect(returned).toEqual([queue]);
    expect((await queue.next()).done).toBe(true);
  });

  test('no more wait than may: then it is over', async () => {
    const { queue, returned } = make();
    for (let n = 0; n < ITERATOR_MAX_MESSAGES; n += 1) queue.push(message(n));
    expect(returned).toEqual([]);
    queue.push(message(ITERATOR_MAX_MESSAGES));
    expect(returned).toEqual([queue]);
    expect(await codeOf(queue.next())).toBe('slow-iterator');
    expect((await queue.next()).done).toBe(true);
  });
});

describe('own messages', () => {
  const settled = (log: PublishLog) => log.unknown('c') ?? Promise.resolve();

  test('no more are remembered than it says, the newest', async () => {
    const log = new PublishLog();
    for (let n = 0; n <= 256; n += 1) log.track('c', Promise.resolve({ id: positionAt(n) }));
    await settled(log);
    expect([0, 1, 256].map((n) => log.has(positionAt(n)))).toEqual([false, true, true]);
  });

  test('those under way are known until they are answered, or fail', async () => {
    const log = new PublishLog();
    let fail: (error: Error) => void = () => undefined;
    log.track('c', new Promise((_, reject) => (fail = reject)));
    expect(log.unknown('other')).toBeNull();
    const unknown = log.unknown('c');
    expect(unknown).not.toBeNull();
    fail(new Error('refused'));
    await unknown;
    await vi.waitFor(() => expect(log.unknown('c')).toBeNull());
  });
});

describe('the clock and the page', () => {
  const TICK_MS = 1_000;
  const events = () => {
    const told: string[] = [];
    const listener: LifecycleEvents = {
      onWake: () => told.push('wake'),
      onSuspend: () => told.push('suspend'),
      onResume: () => told.push('resume'),
    };
    return { told, listener };
  };

  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  test('an hour of ticks is no sleep', () => {
    const { told, listener } = events();
    const stop = watchLife(listener);
    vi.advanceTimersByTime(3_600_000);
    expect(told).toEqual([]);
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ['stood still for a minute', 60_000, ['wake']],
    ['was set back', -60_000, ['wake']],
    ['was slow', 2_500, []],
  ])('a clock that %s', (_, jumpMs, expected) => {
    const { told, listener } = events();
    const stop = watchLife(listener);
    vi.advanceTimersByTime(TICK_MS);
    vi.setSystemTime(Date.now() + jumpMs);
    vi.advanceTimersByTime(2 * TICK_MS);
    expect(told).toEqual(expected);
    stop();
  });

  test('what happens to the page', () => {
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
    vi.stubGlobal('window', window);
    vi.stubGlobal('document', document);
    vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
    vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window));
    const { told, listener } = events();
    const stop = watchLife(listener);
    const happens = (target: EventTarget, name: string) => target.dispatchEvent(new Event(name));
    happens(window, 'pagehide');
    happens(window, 'pageshow');
    happens(document, 'freeze');
    happens(document, 'resume');
    happens(document, 'visibilitychange');
    document.visibilityState = 'visible';
    happens(document, 'visibilitychange');
    expect(told).toEqual(['suspend', 'resume', 'suspend', 'resume', 'wake']);
    stop();
    happens(window, 'pagehide');
    happens(document, 'visibilitychange');
    expect(told).toHaveLength(5);
  });
});

describe('presence', () => {
  test('a channel of a client has no byte that a name may not have', () => {
    expect(channelOfClient('alice')).toBe('@client:alice');
    expect(channelOfClient('a b/ä~')).toBe('@client:a~20b~2F~C3~A4~7E');
  });

  test.each([
    ['online', { lastSeen: null }, { online: true, lastSeen: null }],
    ['offline', { lastSeen: 5 }, { online: false, lastSeen: 5 }],
    ['offline', { lastSeen: null }, { online: false, lastSeen: null }],
  ])('%s %j', (event, data, expected) => {
    expect(presenceOf({ ...message(1), event, data })).toEqual(expected);
  });
});
