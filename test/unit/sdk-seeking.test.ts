/** How a connection finds its next link: waits, other transports, other nodes, and the way home. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fullJitter, TIMINGS } from '../../libs/sdk/dist/timings.js';
import { Random } from '../kit/random.js';
import { ConnectionUnderTest, type SeekerFields, settle } from '../kit/sdk-doubles.js';

const LOST = { advice: 'reconnect' } as const;
const A = 'http://a';
const B = 'http://b';
const tick = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const make = (fields?: SeekerFields) => new ConnectionUnderTest(fields);
const longestMs = (failures: number) =>
  Math.min(TIMINGS.backoffMaxMs, TIMINGS.backoffMs * 2 ** failures);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The first draw is that of the node; all others are `rest`. */
function draw(rest: number, first = 0): void {
  vi.spyOn(Math, 'random').mockReturnValueOnce(first).mockReturnValue(rest);
}

/** @returns the waits of so many attempts that fail one after the other, ms */
async function waitsOf(attempts: number): Promise<number[]> {
  const one = await make().start();
  const waits: number[] = [];
  while (waits.length < attempts) {
    await one.end(LOST);
    const { state } = one.connection;
    if (state.name !== 'waiting') throw new Error(`it is ${state.name}`);
    const { attempts: before } = one;
    waits.push(state.retryInMs);
    // The clock knows no fractions; what is shown is rounded.
    if (state.retryInMs > 2) {
      await tick(state.retryInMs - 2);
      expect(one.attempts).toBe(before);
    }
    await tick(3);
    expect(one.attempts).toBe(before + 1);
  }
  one.connection.stop();
  return waits;
}

describe('waits', () => {
  test('the longest double up to their limit', async () => {
    draw(1);
    expect(await waitsOf(8)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('each is drawn from all between nothing and the longest', async () => {
    const draws = [0.002, 0.25, 0.75, 0.999];
    for (const drawn of draws) {
      draw(drawn);
      const expected = [1, 2, 3, 4, 5, 6].map((n) => Math.round(drawn * longestMs(n)));
      expect(await waitsOf(6)).toEqual(expected);
      vi.restoreAllMocks();
    }
  });

  test('no two pages wait alike', async () => {
    const schedules = new Set<string>();
    const random = new Random(1);
    // A wait of less than a millisecond cannot be seen.
    vi.spyOn(Math, 'random').mockImplementation(() => Math.max(0.002, random.next()));
    for (let page = 0; page < 20; page += 1) {
      const waits = await waitsOf(5);
      for (const [index, waitMs] of waits.entries()) {
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(longestMs(index + 1));
      }
      schedules.add(waits.join());
    }
    expect(schedules.size).toBe(20);
  });

  test('a thousand failures are no number that a clock cannot take', () => {
    draw(1, 1);
    expect(fullJitter(1_000_000, TIMINGS)).toBe(TIMINGS.backoffMaxMs);
  });

  test('what the edge asks for is added to the wait', async () => {
    draw(0.5);
    const one = await make().start();
    await one.end({ advice: 'reconnect', code: 'draining', retryAfterMs: 7_000, isAnswer: true });
    expect(one.connection.state).toMatchObject({ retryInMs: 7_000 + TIMINGS.backoffMs });
    await tick(7_000 + TIMINGS.backoffMs - 1);
    expect(one.attempts).toBe(1);
    await tick(1);
    expect(one.attempts).toBe(2);
  });

  test('of several nodes the longest that one asks for counts, for one round', async () => {
    draw(0.5);
    const one = await make({ nodes: [A, B] }).start();
    await one.end({ advice: 'reconnect', retryAfterMs: 9_000 });
    await one.end({ advice: 'reconnect', retryAfterMs: 4_000 });
    const firstMs = 9_000 + longestMs(1) / 2;
    expect(one.connection.state).toMatchObject({ name: 'waiting', retryInMs: firstMs });
    await tick(firstMs);
    await one.end(LOST);
    await one.end(LOST);
    expect(one.connection.state).toMatchObject({ name: 'waiting', retryInMs: longestMs(2) / 2 });
  });

  test('what the edge asks for at the end of a connection is waited for', async () => {
    draw(0.5);
    const one = await make().connect();
    await tick(TIMINGS.provedMs);
    await one.end({ advice: 'resume', code: 'slow-reader', retryAfterMs: 3_000 });
    expect(one.connection.state).toMatchObject({ name: 'waiting', retryInMs: 3_000 });
  });

  test('a link that comes and goes waits longer each time', async () => {
    draw(1);
    const one = await make().connect();
    for (const expected of [1_000, 2_000, 4_000, 8_000]) {
      await tick(TIMINGS.provedMs - 1);
      await one.end({ advice: 'resume', code: 'slow-reader' });
      expect(one.connection.state).toMatchObject({ name: 'waiting', retryInMs: expected });
      await tick(expected);
      one.link.welcome();
    }
    await tick(TIMINGS.provedMs);
    await one.end(LOST);
    expect(one.connection.state).toMatchObject({ retryInMs: TIMINGS.backoffMs });
  });
});

describe('a link that stays deaf', () => {
  test('is closed in time; the next transport is tried', async () => {
    draw(0);
    const one = await make({ transports: ['websocket', 'sse', 'poll'] }).start();
    const deaf = one.link;
    await tick(TIMINGS.welcomeMs - 1);
    expect(one.attempts).toBe(1);
    await tick(1);
    expect(deaf.isClosed).toBe(true);
    expect(one.network.links.map(({ transport }) => transport)).toEqual(['websocket', 'sse']);
    expect(one.name).toBe('connecting');
    one.link.welcome();
    expect(one.connection.state).toMatchObject({ transport: 'sse' });
    await tick(TIMINGS.welcomeMs);
    expect(one.attempts).toBe(2);
  });

  test('all nodes are tried by the best transport before any by the next one', async () => {
    draw(0);
    const one = await make({ nodes: [A, B], transports: ['websocket', 'sse'] }).start();
    await tick(3 * TIMINGS.welcomeMs);
    const tried = one.network.links.map(({ node, transport }) => `${node} ${transport}`);
    expect(tried).toEqual([`${A} websocket`, `${B} websocket`, `${A} sse`, `${B} sse`]);
  });

  test('a node that has answered is not asked by its other transports', async () => {
    draw(0.5);
    const one = await make({ nodes: [A, B], transports: ['websocket', 'sse'] }).start();
    await one.end({ advice: 'reconnect', code: 'unavailable', isAnswer: true });
    await one.end(LOST);
    await one.end(LOST);
    const tried = one.network.links.map(({ node, transport }) => `${node} ${transport}`);
    expect(tried).toEqual([`${A} websocket`, `${B} websocket`, `${B} sse`]);
    expect(one.name).toBe('waiting');
  });
});

describe('goodbye', () => {
  const nodes = [A, B];
  const message = { type: 'message', channel: 'c', id: '1-0.aaaa', data: 1 } as const;

  test('the next link is opened when the edge said, and the old one delivers until its welcome', async () => {
    draw(0.5);
    const one = await make({ nodes }).connect();
    const old = one.link;
    old.goodbye({ retryAfterMs: 3_000 });
    await tick(2_999);
    expect(one.attempts).toBe(1);
    await tick(1);
    expect(one.link.node).toBe(B);
    old.frame(message);
    expect(one.frames).toHaveLength(1);
    expect(old.isClosed).toBe(false);
    expect(one.turns).toEqual(['up']);
    one.link.welcome({ connectionId: 'c2' });
    expect(old.isClosed).toBe(true);
    expect(one.turns).toEqual(['up', 'down', 'up']);
    expect(one.moves).toEqual(['idle>connecting', 'connecting>connected', 'connected>connected']);
  });

  test('a node that the edge names and that nobody configured is not trusted', async () => {
    draw(0.5);
    const one = await make({ nodes }).connect();
    one.link.goodbye({ nodes: ['http://evil'] });
    await settle();
    expect(one.link.node).toBe(B);
  });

  test('a search without an end goes on while the old link delivers', async () => {
    draw(0);
    const one = await make({ nodes }).connect();
    const old = one.link;
    old.goodbye();
    await settle();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await one.end(LOST);
      await tick(TIMINGS.backoffMaxMs / 30);
      old.alive();
    }
    expect(one.name).toBe('connected');
    expect(old.isClosed).toBe(false);
    expect(one.attempts).toBe(1 + 6 + 1);
    expect(one.network.open).toHaveLength(2);
  });

  test('an old link that ends before the new one is there leaves the attempt alone', async () => {
    draw(0.5);
    const one = await make({ nodes }).connect();
    const old = one.link;
    await tick(TIMINGS.provedMs);
    old.goodbye();
    await settle();
    const next = one.link;
    old.end({ advice: 'resume', code: 'draining' });
    expect(one.connection.state).toMatchObject({ name: 'connecting', node: B });
    expect(next.isClosed).toBe(false);
    next.welcome();
    expect(one.name).toBe('connected');
    expect(one.attempts).toBe(2);
    expect(one.turns).toEqual(['up', 'down', 'up']);
  });

  test('an old link that ends before the search has begun starts it', async () => {
    draw(0.5);
    const one = await make({ nodes }).connect();
    await tick(TIMINGS.provedMs);
    one.link.goodbye({ retryAfterMs: 5_000 });
    await one.end({ advice: 'resume', code: 'draining' });
    expect(one.link.node).toBe(B);
    one.link.welcome();
    const { attempts } = one;
    await tick(5_000);
    expect(one.attempts).toBe(attempts);
  });

  test('a second goodbye does not begin a second search', async () => {
    draw(0.5);
    const one = await make({ nodes }).connect();
    one.link.goodbye({ retryAfterMs: 1_000 });
    one.link.goodbye({ retryAfterMs: 1_000 });
    await tick(1_000);
    expect(one.attempts).toBe(2);
    expect(one.network.open).toHaveLength(2);
  });

  test('a second goodbye begins nothing after a stop', async () => {
    draw(0.5);
    const one = await make({ nodes }).connect();
    one.link.goodbye({ retryAfterMs: 1_000 });
    one.link.goodbye({ retryAfterMs: 2_000 });
    one.connection.stop();
    expect(vi.getTimerCount()).toBe(0);
    await tick(2_000);
    expect(one.name).toBe('connected');
    expect(one.attempts).toBe(1);
  });

  test('one that says to stop is waited out: the end of the link decides', async () => {
    draw(0.5);
    const one = await make({ nodes }).connect();
    one.link.goodbye({ code: 4000 });
    await tick(1_000);
    expect(one.attempts).toBe(1);
    await one.end({ advice: 'stop', code: 'disconnected' });
    expect(one.name).toBe('closed');
  });
});

describe('the way home', () => {
  /** Connected to B, while the node of the start is A. */
  async function away(drawn: number): Promise<ConnectionUnderTest> {
    draw(drawn);
    const one = await make({ nodes: [A, B], transports: ['websocket', 'sse'] }).start();
    await one.end(LOST);
    one.link.welcome();
    expect(one.connection.state).toMatchObject({ node: B });
    return one;
  }

  /** The link of now lives on. */
  async function live(one: ConnectionUnderTest, ms: number): Promise<void> {
    const { open } = one.network;
    for (let leftMs = ms; leftMs > 0; leftMs -= 5_000) {
      await tick(Math.min(5_000, leftMs));
      for (const link of open) link.alive();
    }
  }

  test.each([
    ['the soonest', 0, TIMINGS.homeMs / 2],
    ['the latest', 1, TIMINGS.homeMs],
  ])('is tried: %s', async (_, drawn, dueMs) => {
    const one = await away(drawn);
    await live(one, dueMs - 1);
    expect(one.attempts).toBe(2);
    await live(one, 1);
    expect(one.link.node).toBe(A);
    expect(one.name).toBe('connected');
    const [, old] = one.network.links;
    expect(old?.isClosed).toBe(false);
    one.link.welcome();
    expect(old?.isClosed).toBe(true);
    expect(one.connection.state).toMatchObject({ node: A });
    await live(one, 3 * TIMINGS.homeMs);
    expect(one.attempts).toBe(3);
  });

  test('who came back by a worse transport looks for the better one in the same way', async () => {
    draw(0);
    const one = await make({ nodes: [A], transports: ['websocket', 'sse'] }).start();
    one.link.welcome();
    for (let round = 0; round < 9 && one.link.transport === 'websocket'; round += 1) {
      await one.end(LOST);
      await tick(1);
    }
    one.link.welcome();
    expect(one.connection.state).toMatchObject({ name: 'connected', transport: 'sse' });
    await live(one, TIMINGS.homeMs / 2);
    expect(one.link.transport).toBe('websocket');
    one.link.welcome();
    expect(one.connection.state).toMatchObject({ name: 'connected', transport: 'websocket' });
    expect(one.network.open).toHaveLength(1);
  });

  test('a node that is still away is tried once each time, by its first transport alone', async () => {
    const one = await away(0);
    for (let round = 1; round <= 3; round += 1) {
      await live(one, TIMINGS.homeMs / 2);
      expect(one.attempts).toBe(2 + round);
      expect(one.link.transport).toBe('websocket');
      await one.end(LOST);
    }
    expect(one.connection.state).toMatchObject({ name: 'connected', node: B });
    expect(one.moves).toHaveLength(3);
    expect(one.network.open).toHaveLength(1);
  });

  test.each([
    ['refuses the token', { advice: 'renew-token', code: 'bad-token' } as const],
    ['does not want this client', { advice: 'stop', code: 'bad-client' } as const],
    ['stays deaf', null],
  ])('a node that %s changes nothing', async (_, end) => {
    const one = await away(0);
    await live(one, TIMINGS.homeMs / 2);
    if (end === null) await live(one, TIMINGS.welcomeMs);
    else await one.end(end);
    expect(one.connection.state).toMatchObject({ name: 'connected', node: B });
    expect(one.faults).toEqual([]);
    expect(one.network.open).toHaveLength(1);
  });

  test('is not tried while another node is sought', async () => {
    const one = await away(0);
    one.link.goodbye({ retryAfterMs: 2 * TIMINGS.homeMs });
    await live(one, 2 * TIMINGS.homeMs - 5_000);
    expect(one.attempts).toBe(2);
  });

  test('a link that ends while home is tried is replaced all the same', async () => {
    const one = await away(0);
    const [, old] = one.network.links;
    await live(one, TIMINGS.homeMs / 2);
    const home = one.link;
    old?.end({ advice: 'resume', code: 'slow-reader' });
    await settle();
    expect(home.isClosed).toBe(true);
    expect(one.connection.state).toMatchObject({ name: 'connecting' });
    one.link.welcome();
    expect(one.name).toBe('connected');
    expect(one.network.open).toHaveLength(1);
  });

  test('nobody who is at home looks for it', async () => {
    draw(0);
    const one = await make({ nodes: [A, B] }).connect();
    await live(one, 3 * TIMINGS.homeMs);
    expect(one.attempts).toBe(1);
  });
});
