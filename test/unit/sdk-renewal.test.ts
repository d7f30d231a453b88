/** A connection is given a new token before its own one runs out. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TIMINGS } from '../../libs/sdk/dist/timings.js';
import { ConnectionUnderTest, settle, unsignedToken } from '../kit/sdk-doubles.js';

const LIFE_MS = 600_000;
/** The soonest: a random part of the margin goes off. */
const DUE_MS = LIFE_MS - 2 * TIMINGS.renewMs;
const RETRY_MS = 5_000;
/** No pings meanwhile. */
const pingIntervalMs = 10 * LIFE_MS;
const tick = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValue(1);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const nowS = () => Date.now() / 1_000;

/** Connected with the first of tokens that are numbered. */
async function connected(give: (count: number) => Promise<void> = async () => undefined) {
  let count = 0;
  const getToken = vi.fn(async () => {
    count += 1;
    await give(count);
    return unsignedToken({ sub: 'a', count, iat: nowS(), exp: nowS() + LIFE_MS / 1_000 });
  });
  const one = new ConnectionUnderTest({ getToken });
  await one.connect({ pingIntervalMs, expiresAt: Date.now() + LIFE_MS });
  return { one, getToken };
}

/** Answers the token that was sent last. */
function accept(one: ConnectionUnderTest): void {
  const sent = one.link.sent.at(-1);
  if (sent?.type !== 'auth') throw new Error('no token was sent');
  const { ref } = sent;
  one.link.frame({ type: 'authenticated', ref, expiresAt: Date.now() + LIFE_MS });
}

describe('renewal', () => {
  test('a new token is sent in time, on the same link, again and again', async () => {
    const { one, getToken } = await connected();
    for (let renewal = 1; renewal <= 3; renewal += 1) {
      await tick(DUE_MS - 1);
      expect(one.link.sent).toHaveLength(renewal - 1);
      await tick(1);
      expect(getToken).toHaveBeenCalledTimes(1 + renewal);
      expect(one.link.sent).toHaveLength(renewal);
      accept(one);
    }
    const tokens = one.link.sent.map((frame) => (frame.type === 'auth' ? frame.token : ''));
    expect(new Set([one.link.options.token, ...tokens]).size).toBe(4);
    expect(one.attempts).toBe(1);
    // That is the connection's own business.
    expect(one.frames).toEqual([]);
  });

  test('a refused one is no matter of those above, and the link stays', async () => {
    const { one } = await connected();
    await tick(DUE_MS);
    const [sent] = one.link.sent;
    const ref = sent?.type === 'auth' ? sent.ref : 0;
    one.link.frame({ type: 'error', ref, code: 'bad-token', message: '' });
    expect(one.frames).toEqual([]);
    expect(one.name).toBe('connected');
  });

  test('an application that gives none is asked again, and told', async () => {
    const { one, getToken } = await connected(async (count) => {
      if (count >= 2 && count <= 4) throw new Error('away');
    });
    await tick(DUE_MS);
    // Three attempts with waits between them.
    await tick(3 * TIMINGS.backoffMs * 4);
    expect(getToken).toHaveBeenCalledTimes(4);
    expect(one.faults).toHaveLength(3);
    expect(one.name).toBe('connected');
    await tick(RETRY_MS);
    expect(one.link.sent).toMatchObject([{ type: 'auth' }]);
  });

  test('a token that comes for a link that has ended is not sent, but kept for the next', async () => {
    let give: () => void = () => undefined;
    const { one, getToken } = await connected(async (count) => {
      if (count === 2) await new Promise<void>((resolve) => (give = resolve));
    });
    const { link } = one;
    await tick(DUE_MS);
    await one.end({ advice: 'resume', code: 'slow-reader' });
    give();
    await settle();
    expect(link.sent).toEqual([]);
    expect(getToken).toHaveBeenCalledTimes(2);
    one.link.welcome({ pingIntervalMs, expiresAt: Date.now() + LIFE_MS });
    await tick(DUE_MS);
    expect(link.sent).toEqual([]);
    expect(one.link.sent).toMatchObject([{ type: 'auth' }]);
  });

  test('after a stop the application is not asked', async () => {
    const { one, getToken } = await connected();
    one.connection.stop();
    await tick(LIFE_MS);
    expect(getToken).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a stop while the application is asked begins nothing anew', async () => {
    const { one, getToken } = await connected(async (count) => {
      if (count > 1) throw new Error('away');
    });
    await tick(DUE_MS);
    one.connection.stop();
    await tick(LIFE_MS);
    expect(getToken).toHaveBeenCalledTimes(4);
    expect(one.link.sent).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a token that nobody renews is left to its end', async () => {
    const one = new ConnectionUnderTest({ token: unsignedToken({ sub: 'a' }) });
    await one.connect({ pingIntervalMs, expiresAt: Date.now() + LIFE_MS });
    await tick(LIFE_MS);
    expect(one.link.sent).toEqual([]);
  });
});
