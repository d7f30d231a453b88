/** Which node and which transport come next, and the tokens that they are shown. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HalleyError } from '../../libs/sdk/dist/errors.js';
import { type Route, Routes } from '../../libs/sdk/dist/routes.js';
import { TIMINGS } from '../../libs/sdk/dist/timings.js';
import { claimsOf, Tokens } from '../../libs/sdk/dist/tokens.js';
import type { TransportName } from '../../libs/sdk/dist/types.js';
import { unsignedToken } from '../kit/sdk-doubles.js';

const NODES = ['a', 'b', 'c'];
const THREE: TransportName[] = ['websocket', 'sse', 'poll'];
/** A token that the application gives, or not. */
const tokensOf = (token?: string, getToken?: () => string | Promise<string>) => {
  const faults: string[] = [];
  const onFault = ({ code }: HalleyError) => faults.push(code);
  return { tokens: new Tokens(token, getToken, TIMINGS, onFault), faults };
};
const tick = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Routes that begin with the first node. */
function make(nodes = NODES, transports = THREE): Routes {
  vi.spyOn(Math, 'random').mockReturnValueOnce(0);
  return new Routes(nodes, transports, TIMINGS);
}

const told = (route: Route | null) => route && `${route.node} ${route.transport}`;

/** What is left of the round. */
function rest(routes: Routes): (string | null)[] {
  const left: (string | null)[] = [];
  for (let route = routes.next(); route !== null; route = routes.next()) left.push(told(route));
  return left;
}

function round(routes: Routes, avoid: string | null = null) {
  routes.begin(avoid);
  return rest(routes);
}

/** A round in which nobody answers. */
function failRound(routes: Routes): void {
  routes.begin(null);
  for (let route = routes.next(); route !== null; route = routes.next())
    routes.failed(route, false);
}

/** The storage of a page. */
function stubStorage(): Map<string, string> {
  const items = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  });
  return items;
}

describe('routes', () => {
  test('a round is every node with its best transport, then with the next one', () => {
    expect(round(make(['a', 'b'], ['websocket', 'sse']))).toEqual([
      'a websocket',
      'b websocket',
      'a sse',
      'b sse',
    ]);
  });

  test('the first node is drawn, each as often as the others', () => {
    const homes = NODES.map((_, index) => {
      vi.spyOn(Math, 'random').mockReturnValueOnce((index + 0.999) / NODES.length);
      return new Routes(NODES, THREE, TIMINGS).home;
    });
    expect(homes).toEqual(NODES);
  });

  test('the others follow in their order', () => {
    vi.spyOn(Math, 'random').mockReturnValueOnce(0.4);
    const routes = new Routes(NODES, ['sse'], TIMINGS);
    expect(round(routes)).toEqual(['b sse', 'c sse', 'a sse']);
  });

  test('a node to avoid comes last, and stays there', () => {
    const routes = make(NODES, ['sse']);
    expect(round(routes, 'a')).toEqual(['b sse', 'c sse', 'a sse']);
    expect(round(routes)).toEqual(['b sse', 'c sse', 'a sse']);
    expect(round(routes, 'unknown')).toEqual(['b sse', 'c sse', 'a sse']);
    expect(routes.home).toBe('a');
  });

  test('what worked comes alone, for two rounds that fail; then the others come after it', () => {
    const routes = make(['a'], THREE);
    routes.worked({ node: 'a', transport: 'sse' });
    expect(round(routes)).toEqual(['a sse']);
    failRound(routes);
    expect(round(routes)).toEqual(['a sse']);
    failRound(routes);
    expect(round(routes)).toEqual(['a sse', 'a websocket', 'a poll']);
    routes.worked({ node: 'a', transport: 'sse' });
    expect(round(routes)).toEqual(['a sse']);
  });

  test('what worked is known of its node alone', () => {
    const routes = make(['a', 'b'], ['websocket', 'sse']);
    routes.worked({ node: 'b', transport: 'sse' });
    expect(round(routes)).toEqual(['a websocket', 'b sse', 'a sse']);
  });

  test('a page that worked goes back up after a time, however often it came back meanwhile', async () => {
    const routes = make(['a'], THREE);
    routes.worked({ node: 'a', transport: 'poll' });
    await tick(TIMINGS.rememberMs - 1);
    routes.worked({ node: 'a', transport: 'poll' });
    expect(round(routes)).toEqual(['a poll']);
    await tick(1);
    expect(round(routes)).toEqual(['a websocket', 'a sse', 'a poll']);
  });

  test('what is worse than what worked does not count in its place', () => {
    const routes = make(['a'], THREE);
    routes.worked({ node: 'a', transport: 'websocket' });
    failRound(routes);
    failRound(routes);
    routes.worked({ node: 'a', transport: 'poll' });
    expect(round(routes)).toEqual(['a websocket']);
    expect(routes.isBest({ node: 'a', transport: 'poll' })).toBe(false);
    expect(routes.isBest({ node: 'a', transport: 'websocket' })).toBe(true);
  });

  test('a node that answers is left out for the rest of the round', () => {
    const routes = make(['a', 'b'], ['websocket', 'sse']);
    routes.begin(null);
    const first = routes.next() as Route;
    routes.failed(first, true);
    expect(rest(routes)).toEqual(['b websocket', 'b sse']);
  });

  test('a node that could not be reached by all its transports has failed once', () => {
    const routes = make(['a'], THREE);
    routes.worked({ node: 'a', transport: 'sse' });
    failRound(routes);
    failRound(routes);
    // Three routes, one failure each: were each of them a round, `worked` would be forgotten no sooner.
    failRound(routes);
    routes.worked({ node: 'a', transport: 'sse' });
    failRound(routes);
    expect(round(routes)).toEqual(['a sse']);
  });

  test('the way home is the best transport of the first node', () => {
    const routes = make(['a', 'b'], THREE);
    routes.beginHome();
    expect(rest(routes)).toEqual(['a websocket']);
    routes.worked({ node: 'a', transport: 'poll' });
    routes.beginHome();
    expect(rest(routes)).toEqual(['a poll']);
  });

  test('another page begins with what worked, until its time is over', async () => {
    const items = stubStorage();
    make(['a'], THREE).worked({ node: 'a', transport: 'poll' });
    expect([...items.keys()]).toEqual(['halley:transport:a']);
    expect(round(make(['a', 'b'], THREE)).slice(0, 2)).toEqual(['a poll', 'b websocket']);
    await tick(TIMINGS.rememberMs);
    expect(round(make(['a'], THREE))[0]).toBe('a websocket');
  });

  test('what another page remembers is not taken where it may not be used', () => {
    stubStorage();
    make(['a'], THREE).worked({ node: 'a', transport: 'poll' });
    expect(round(make(['a'], ['websocket', 'sse']))).toEqual(['a websocket', 'a sse']);
  });

  test.each(['', 'null', '1', '"poll"', '{}', '{"name":"poll"}', '{"name":1,"untilMs":1e15}', '{'])(
    'what stands there and is none of its own (%s) does no harm',
    (text) => {
      stubStorage().set('halley:transport:a', text);
      expect(round(make(['a'], THREE))[0]).toBe('a websocket');
    },
  );

  test('a storage that throws does no harm', () => {
    const refuse = () => {
      throw new Error('denied');
    };
    vi.stubGlobal('localStorage', { getItem: refuse, setItem: refuse });
    const routes = make(['a'], THREE);
    routes.worked({ node: 'a', transport: 'sse' });
    expect(round(routes)).toEqual(['a sse']);
  });
});

describe('tokens', () => {
  const failureOf = (call: Promise<unknown>) =>
    call.then(
      () => null,
      (error: HalleyError) => error,
    );

  test('a fixed token, and none', async () => {
    const { tokens: fixed } = tokensOf('t');
    fixed.forget();
    expect(await fixed.get()).toBe('t');
    expect(fixed.isRenewable).toBe(false);
    expect(await tokensOf().tokens.get()).toBeNull();
  });

  test('the application is asked once for all who wait, and again after it was forgotten', async () => {
    const getToken = vi.fn(() => unsignedToken({ sub: 'a' }));
    const { tokens } = tokensOf(undefined, getToken);
    const [first, second] = await Promise.all([tokens.get(), tokens.get()]);
    expect(first).toBe(second);
    await tokens.get();
    expect(getToken).toHaveBeenCalledTimes(1);
    tokens.forget();
    await tokens.get();
    expect(getToken).toHaveBeenCalledTimes(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ['rejects', () => Promise.reject(new Error('x'))],
    [
      'throws',
      () => {
        throw new Error('x');
      },
    ],
    ['gives nothing', () => undefined as unknown as string],
    ['gives an empty text', () => ''],
    ['never answers', () => new Promise<string>(() => undefined)],
  ])('an application that %s is asked three times', async (_, getToken) => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const asked = vi.fn(getToken);
    const { tokens, faults } = tokensOf(undefined, asked);
    const end = failureOf(tokens.get());
    await tick(3 * TIMINGS.tokenMs + 2 * TIMINGS.backoffMs + 4 * TIMINGS.backoffMs);
    expect(await end).toMatchObject({ code: 'token-failed', cause: expect.any(Error) });
    expect(faults).toEqual(Array(3).fill('token-failed'));
    expect(asked).toHaveBeenCalledTimes(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('between two attempts it waits longer each time', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const times: number[] = [];
    const begunMs = Date.now();
    const getToken = () => {
      times.push(Date.now() - begunMs);
      return times.length < 3 ? Promise.reject(new Error('x')) : 'token';
    };
    const token = tokensOf(undefined, getToken).tokens.get();
    await tick(10_000);
    expect(await token).toBe('token');
    expect(times).toEqual([0, 1_000, 3_000]);
  });

  test('a token of another client is no token', async () => {
    const subjects = ['a', 'a', 'b', 'b', 'b'];
    const getToken = vi.fn(() => unsignedToken({ sub: subjects.shift() }));
    const { tokens } = tokensOf(undefined, getToken);
    for (let renewal = 0; renewal < 2; renewal += 1) {
      await tokens.get();
      tokens.forget();
    }
    const end = failureOf(tokens.get());
    await tick(TIMINGS.backoffMaxMs);
    expect(await end).toMatchObject({ code: 'token-failed' });
    expect(getToken).toHaveBeenCalledTimes(5);
  });

  test('what a token says is read as UTF-8, and nothing of what is none', () => {
    expect(claimsOf(unsignedToken({ sub: 'Jörg 😀', n: 1 }))).toEqual({ sub: 'Jörg 😀', n: 1 });
    for (const text of ['', 'x', 'a.b.c', '..', 'opaque']) expect(claimsOf(text)).toEqual({});
  });
});

describe('when a token is renewed', () => {
  const HOUR_MS = 3_600_000;
  const NOW_MS = 1_700_000_000_000;

  /** @param clockOffMs how far the clock of this machine is ahead */
  async function renewInMs(
    lifeMs: number,
    clockOffMs: number,
    drawn: number,
    { opaque = false, ageMs = 0 } = {},
  ) {
    vi.setSystemTime(NOW_MS + clockOffMs);
    vi.spyOn(Math, 'random').mockReturnValue(drawn);
    const [iat, exp] = [NOW_MS - ageMs, NOW_MS + lifeMs].map((ms) => ms / 1_000);
    const token = opaque ? 'opaque' : unsignedToken({ iat, exp });
    const { tokens } = tokensOf(undefined, () => token);
    await tokens.get();
    return tokens.renewInMs(NOW_MS + lifeMs);
  }

  test.each([
    ['the latest', 0, HOUR_MS - TIMINGS.renewMs],
    ['the soonest', 1, HOUR_MS - 2 * TIMINGS.renewMs],
  ])('%s', async (_, drawn, expected) => {
    expect(await renewInMs(HOUR_MS, 0, drawn)).toBe(expected);
  });

  test('a short one: after three to four fifths of it', async () => {
    expect(await renewInMs(10_000, 0, 0)).toBe(8_000);
    expect(await renewInMs(10_000, 0, 1)).toBe(6_000);
  });

  test('a clock that is behind: by the length that the token says', async () => {
    expect(await renewInMs(HOUR_MS, -24 * HOUR_MS, 0)).toBe(HOUR_MS - TIMINGS.renewMs);
  });

  test('a clock that is ahead beyond the expiry: likewise', async () => {
    expect(await renewInMs(HOUR_MS, 24 * HOUR_MS, 0)).toBe(HOUR_MS - TIMINGS.renewMs);
  });

  test('a clock that is somewhat ahead: sooner, never later', async () => {
    expect(await renewInMs(HOUR_MS, HOUR_MS / 2, 0)).toBe(HOUR_MS / 2 - TIMINGS.renewMs);
  });

  test('a token that was old when it was given: by its expiry', async () => {
    const ageMs = 50 * 60_000;
    expect(await renewInMs(10 * 60_000, 0, 0, { ageMs })).toBe(10 * 60_000 - TIMINGS.renewMs);
  });

  test('one that cannot be read: by the clock', async () => {
    expect(await renewInMs(HOUR_MS, 0, 0, { opaque: true })).toBe(HOUR_MS - TIMINGS.renewMs);
  });

  test('never more often than each second', async () => {
    expect(await renewInMs(100, 0, 1)).toBe(1_000);
    expect(await renewInMs(HOUR_MS, 2 * HOUR_MS, 1, { opaque: true })).toBe(1_000);
  });
});
