/** The life of a connection, over a network that does what the test says and a clock that it turns. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MOVES } from '../../libs/sdk/dist/states.js';
import { TIMINGS } from '../../libs/sdk/dist/timings.js';
import {
  ConnectionUnderTest,
  PING_INTERVAL_MS,
  type SeekerFields,
  settle,
  unsignedToken,
} from '../kit/sdk-doubles.js';

const LOST = { advice: 'reconnect' } as const;
const TWO = { nodes: ['http://a', 'http://b'] };
const tick = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const make = (fields?: SeekerFields) => new ConnectionUnderTest(fields);

beforeEach(() => {
  vi.useFakeTimers();
  // The first node, and waits of half their longest.
  vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValue(0.5);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('moves', () => {
  /** A way to each. */
  const ways: Record<string, () => Promise<ConnectionUnderTest>> = {
    'idle>connecting': () => make().start(),
    'connecting>connecting': async () => {
      const one = await make(TWO).start();
      await one.end(LOST);
      return one;
    },
    'connecting>connected': () => make().connect(),
    'connecting>waiting': async () => {
      const one = await make().start();
      await one.end(LOST);
      return one;
    },
    'connecting>unauthorized': async () => {
      const one = await make({ token: 't' }).start();
      await one.end({ advice: 'renew-token', code: 'bad-token' });
      return one;
    },
    'connecting>closed': async () => {
      const one = await make().start();
      await one.end({ advice: 'stop', code: 'bad-client' });
      return one;
    },
    'connected>connected': async () => {
      const one = await make(TWO).connect();
      one.link.goodbye();
      await settle();
      one.link.welcome();
      return one;
    },
    'connected>connecting': async () => {
      const one = await make().connect();
      await tick(TIMINGS.provedMs);
      await one.end({ advice: 'resume', code: 'slow-reader' });
      return one;
    },
    'connected>waiting': async () => {
      const one = await make().connect();
      await one.end(LOST);
      return one;
    },
    'connected>unauthorized': async () => {
      const one = await make({ token: 't' }).connect();
      await one.end({ advice: 'renew-token', code: 'token-expired' });
      return one;
    },
    'connected>closed': async () => {
      const one = await make().connect();
      await one.end({ advice: 'stop', code: 'disconnected' });
      return one;
    },
    'waiting>connecting': async () => {
      const one = await make().connect();
      await one.end(LOST);
      await tick(TIMINGS.backoffMaxMs);
      return one;
    },
  };
  const table = Object.entries(MOVES).flatMap(([from, to]) => to.map((name) => `${from}>${name}`));

  test.each(table)('%s', async (move) => {
    const one = await ways[move]?.();
    expect(one?.moves).toContain(move);
    one?.connection.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(one?.network.open).toEqual([]);
    // It says no more.
    const { length } = one?.moves ?? [];
    await tick(10 * TIMINGS.homeMs);
    expect(one?.moves).toHaveLength(length);
  });

  test('there is no way that the table does not have', () => {
    expect(Object.keys(ways).sort()).toEqual([...table].sort());
  });
});

describe('starting and stopping', () => {
  test('a stop during an attempt closes its link, and nothing comes of it any more', async () => {
    const one = await make().start();
    one.connection.stop();
    await tick(TIMINGS.backoffMaxMs);
    expect(one.link.isClosed).toBe(true);
    expect(one.attempts).toBe(1);
    expect(one.moves).toEqual(['idle>connecting']);
    expect(one.turns).toEqual([]);
  });

  test('a stop while the token is asked for opens no link', async () => {
    let give: (token: string) => void = () => undefined;
    const getToken = () =>
      new Promise<string>((resolve) => {
        give = resolve;
      });
    const one = await make({ getToken }).start();
    one.connection.stop();
    give(unsignedToken({ sub: 'a' }));
    await tick(TIMINGS.tokenMs);
    expect(one.attempts).toBe(0);
    expect(one.moves).toEqual(['idle>connecting']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that it is down is told once', async () => {
    const one = await make().connect();
    one.connection.stop();
    one.connection.stop();
    expect(one.turns).toEqual(['up', 'down']);
  });

  test('the link is told who connects, and how far the queue was seen', async () => {
    const one = make({ client: 'alice' });
    one.queueAfter = '7-0.aaaa';
    await one.start();
    expect(one.link.options).toMatchObject({
      node: 'http://a',
      token: null,
      client: 'alice',
      queueAfter: '7-0.aaaa',
      welcomeMs: TIMINGS.welcomeMs,
    });
  });

  test('states carry what the welcome says', async () => {
    const one = await make().connect({ clientId: 'alice', connectionId: 'c7', edgeId: 'e7' });
    expect(one.connection.state).toEqual({
      name: 'connected',
      node: 'http://a',
      transport: 'websocket',
      connectionId: 'c7',
      edgeId: 'e7',
      clientId: 'alice',
    });
  });

  test('frames reach the one above, but for those that belong to the connection', async () => {
    const one = await make().connect();
    const message = { type: 'message', channel: 'c', id: '1-0.aaaa', data: 1 } as const;
    one.link.frame(message);
    one.link.frame({ type: 'pong' });
    one.link.goodbye({ code: 4000 });
    expect(one.frames).toEqual([message]);
  });
});

describe('codes', () => {
  const stop = { advice: 'stop', code: 'disconnected' } as const;

  test('40xx: closed, and not tried again', async () => {
    const one = await make(TWO).connect();
    await one.end(stop);
    await tick(10 * TIMINGS.backoffMaxMs);
    expect(one.connection.state).toEqual({ name: 'closed', code: 'disconnected' });
    expect(one.attempts).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('41xx: waits, although the connection had held', async () => {
    const one = await make().connect();
    await tick(TIMINGS.provedMs);
    await one.end({ advice: 'reconnect', code: 'presence-unavailable' });
    expect(one.connection.state).toEqual({
      name: 'waiting',
      retryInMs: TIMINGS.backoffMs / 2,
      code: 'presence-unavailable',
    });
    await tick(TIMINGS.backoffMs / 2 - 1);
    expect(one.attempts).toBe(1);
    await tick(1);
    expect(one.attempts).toBe(2);
  });

  test('42xx: at once, without a wait', async () => {
    const one = await make().connect();
    await tick(TIMINGS.provedMs);
    await one.end({ advice: 'resume', code: 'slow-reader' });
    expect(one.attempts).toBe(2);
    expect(one.name).toBe('connecting');
  });

  test('42xx of a connection that did not hold: waits', async () => {
    const one = await make().connect();
    await tick(TIMINGS.provedMs - 1);
    await one.end({ advice: 'resume', code: 'slow-reader' });
    expect(one.name).toBe('waiting');
    expect(one.attempts).toBe(1);
  });

  test('an edge that went away is tried last', async () => {
    const one = await make(TWO).connect();
    await tick(TIMINGS.provedMs);
    await one.end({ advice: 'resume', code: 'draining' });
    expect(one.link.node).toBe('http://b');
  });

  test('a reader that was too slow comes back to its node', async () => {
    const one = await make(TWO).connect();
    await tick(TIMINGS.provedMs);
    await one.end({ advice: 'resume', code: 'slow-reader' });
    expect(one.link.node).toBe('http://a');
  });
});

describe('tokens that are refused', () => {
  const refused = { advice: 'renew-token', code: 'token-expired' } as const;
  const tokens = () => {
    let count = 0;
    return vi.fn(() => {
      count += 1;
      return unsignedToken({ sub: 'a', count });
    });
  };

  test('the application is asked for another one, which the next link shows', async () => {
    const getToken = tokens();
    const one = await make({ getToken }).connect();
    const { token } = one.link.options;
    await one.end(refused);
    expect(getToken).toHaveBeenCalledTimes(2);
    expect(one.link.options.token).not.toBe(token);
    one.link.welcome();
    expect(one.name).toBe('connected');
  });

  test.each([
    ['while it connects', false],
    ['once it is connected', true],
  ])('twice in a row, the first time %s: unauthorized', async (_, isUp) => {
    const getToken = tokens();
    const one = await make({ getToken }).start();
    if (isUp) one.link.welcome();
    await one.end(refused);
    await one.end(refused);
    await tick(10 * TIMINGS.backoffMaxMs);
    expect(one.connection.state).toEqual({ name: 'unauthorized', code: 'token-expired' });
    expect(getToken).toHaveBeenCalledTimes(2);
    expect(one.attempts).toBe(2);
  });

  test('refusals of connections that had held are not in a row', async () => {
    const getToken = tokens();
    const one = await make({ getToken }).connect();
    for (let expiry = 1; expiry <= 3; expiry += 1) {
      await tick(TIMINGS.provedMs);
      await one.end(refused);
      expect(one.attempts).toBe(1 + expiry);
      one.link.welcome();
    }
    expect(one.name).toBe('connected');
    expect(one.faults).toEqual([]);
  });

  test('a token that nobody renews: unauthorized at once', async () => {
    const one = await make({ token: 't' }).connect();
    await one.end(refused);
    expect(one.name).toBe('unauthorized');
    expect(one.attempts).toBe(1);
  });

  test('an application that gives none: unauthorized, no link is opened', async () => {
    const getToken = vi.fn(() => Promise.reject(new Error('no')));
    const one = await make({ getToken }).start();
    await tick(10 * TIMINGS.backoffMaxMs);
    expect(one.name).toBe('unauthorized');
    expect(one.faults).toEqual(['token-failed', 'token-failed', 'token-failed']);
    expect(one.attempts).toBe(0);
    expect(getToken).toHaveBeenCalledTimes(3);
  });
});

describe('signs of life', () => {
  test('a silent link is asked, and dead without an answer', async () => {
    const one = await make().connect();
    const { link } = one;
    await tick(PING_INTERVAL_MS - 1);
    expect(link.pings).toBe(0);
    await tick(1);
    expect(link.pings).toBe(1);
    await tick(TIMINGS.pongMs - 1);
    expect(one.name).toBe('connected');
    await tick(1);
    expect(link.isClosed).toBe(true);
    // It had held: the next one is tried at once.
    expect(one.attempts).toBe(2);
    expect(one.connection.state).toMatchObject({ name: 'connecting', code: 'silent' });
  });

  test.each([
    ['a frame', (one: ConnectionUnderTest) => one.link.frame({ type: 'pong' })],
    ['another sign', (one: ConnectionUnderTest) => one.link.alive()],
  ])('%s in time is enough', async (_, sign) => {
    const one = await make().connect();
    for (let round = 1; round <= 3; round += 1) {
      await tick(PING_INTERVAL_MS);
      expect(one.link.pings).toBe(round);
      await tick(TIMINGS.pongMs - 1);
      sign(one);
      await tick(1);
      // The next ping is due an interval after the sign.
      await tick(-1 + PING_INTERVAL_MS - 1);
      expect(one.link.pings).toBe(round);
      sign(one);
    }
    expect(one.attempts).toBe(1);
  });

  test('what is not silent is not asked', async () => {
    const one = await make().connect();
    for (let round = 0; round < 20; round += 1) {
      await tick(PING_INTERVAL_MS - 1);
      one.link.alive();
    }
    expect(one.link.pings).toBe(0);
  });

  test('after the page has woken up an answer is due sooner', async () => {
    const one = await make().connect();
    const { link } = one;
    await tick(TIMINGS.provedMs);
    one.connection.wake();
    expect(link.pings).toBe(1);
    await tick(TIMINGS.wakePongMs - 1);
    expect(link.isClosed).toBe(false);
    await tick(1);
    expect(link.isClosed).toBe(true);
    expect(one.attempts).toBe(2);
  });

  test('after the page has woken up an answer keeps the link', async () => {
    const one = await make().connect();
    one.connection.wake();
    one.link.frame({ type: 'pong' });
    await tick(TIMINGS.wakePongMs);
    expect(one.name).toBe('connected');
    expect(one.attempts).toBe(1);
  });

  test('a page that wakes up does not wait for its next attempt', async () => {
    const one = await make().start();
    await one.end(LOST);
    expect(one.name).toBe('waiting');
    one.connection.wake();
    await settle();
    expect(one.attempts).toBe(2);
    await tick(TIMINGS.welcomeMs - 1);
    expect(one.attempts).toBe(2);
  });

  test.each(['idle', 'closed'] as const)('waking up does not start what is %s', async (name) => {
    const one = name === 'idle' ? make() : await make().connect();
    if (name === 'closed') await one.end({ advice: 'stop', code: 'disconnected' });
    const { attempts } = one;
    one.connection.wake();
    await tick(TIMINGS.backoffMaxMs);
    expect(one.name).toBe(name);
    expect(one.attempts).toBe(attempts);
  });
});

describe('leaving nothing', () => {
  const situations: [string, (one: ConnectionUnderTest) => Promise<void> | void][] = [
    ['connected', () => undefined],
    ['a ping without its answer', async () => void (await tick(PING_INTERVAL_MS))],
    ['a wait', (one) => one.end(LOST)],
    ['a goodbye that waits', (one) => one.link.goodbye({ retryAfterMs: 9_000 })],
    [
      'a goodbye under way',
      async (one) => {
        one.link.goodbye();
        await settle();
      },
    ],
    ['another node than that of the start', (one) => one.end(LOST)],
    [
      'a return under way',
      async (one) => {
        await one.end(LOST);
        await tick(TIMINGS.backoffMaxMs);
        one.link.welcome();
        await tick(TIMINGS.homeMs);
      },
    ],
  ];

  test.each(situations)('stopped after %s', async (_, bring) => {
    const expiresAt = Date.now() + 3_600_000;
    const getToken = () => unsignedToken({ sub: 'a' });
    const one = await make({ ...TWO, getToken }).connect({ expiresAt });
    await bring(one);
    one.connection.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(one.network.open).toEqual([]);
    const { attempts } = one;
    await tick(10 * TIMINGS.homeMs);
    expect(one.attempts).toBe(attempts);
  });
});
