/** What an application may say to the SDK, and what it is told where it may not. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import { HalleyError } from '../../libs/sdk/dist/errors.js';
import { Halley } from '../../libs/sdk/dist/halley.js';
import type { HalleyOptions } from '../../libs/sdk/dist/options.js';
import { TIMINGS } from '../../libs/sdk/dist/timings.js';
import { positionAt } from '../kit/sdk-doubles.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('options', () => {
  const nodes = ['http://127.0.0.1:1'];
  const getToken = () => 't';

  /** The field that a refusal names. */
  function fieldOf(act: () => unknown): string | undefined {
    try {
      act();
    } catch (error) {
      if (error instanceof HalleyError && error.code === 'bad-option') return error.field;
      throw error;
    }
    return 'none';
  }

  test.each<[string, unknown, string]>([
    ['no node where there is no page', {}, 'nodes'],
    ['an empty list of nodes', { nodes: [] }, 'nodes'],
    ['a node without a protocol', { nodes: ['edge-1.example.com'] }, 'nodes'],
    ['a node of another protocol', { nodes: ['ftp://x'] }, 'nodes'],
    ['one bad node of two', { nodes: [...nodes, ''] }, 'nodes'],
    ['a token and a name', { nodes, token: 't', client: 'a' }, 'client'],
    ['a function and a name', { nodes, getToken, client: 'a' }, 'client'],
    ['an empty token', { nodes, token: '' }, 'token'],
    ['a token that no header can carry', { nodes, token: 'a b' }, 'token'],
    ['no transport', { nodes, transports: [] }, 'transports'],
    ['an unknown transport', { nodes, transports: ['carrier-pigeon'] }, 'transports'],
    ['one that this platform has not', { nodes, transports: ['jsonp'] }, 'transports'],
  ])('%s', (_, options, field) => {
    expect(fieldOf(() => new Halley(options as HalleyOptions))).toBe(field);
  });

  test('a page is its own node', () => {
    vi.stubGlobal('location', new URL('http://127.0.0.1:1/page?x#y'));
    expect(fieldOf(() => new Halley())).toBe('none');
  });

  test('nothing is opened by the constructor, and closing it leaves nothing', () => {
    vi.useFakeTimers();
    const halley = new Halley({ nodes });
    expect(halley.state).toMatchObject({ name: 'idle', reconnects: 0 });
    expect(vi.getTimerCount()).toBe(0);
    halley.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('arguments: last and after together, no data', async () => {
    const halley = new Halley({ nodes });
    const both = { last: 1, after: positionAt(1) };
    expect(fieldOf(() => halley.subscribe('c', null, both))).toBe('last');
    const publish = halley.publish('c', undefined);
    await expect(publish).rejects.toMatchObject({ code: 'bad-option', field: 'data' });
    halley.close();
  });

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;

  test.each<[string, unknown]>([
    ['a BigInt', 1n],
    ['a circle', circular],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an object that refuses', { toJSON: () => Number('x').toFixed(-1) }],
  ])('data that JSON cannot say: %s', async (_, data) => {
    const halley = new Halley({ nodes });
    const publish = halley.publish('c', data);
    await expect(publish).rejects.toMatchObject({ code: 'bad-option', field: 'data' });
    halley.close();
  });

  test.each<[string, () => unknown]>([
    [
      'at once',
      () => {
        throw new Error('again');
      },
    ],
    ['later', () => Promise.reject(new Error('again'))],
  ])('a handler of errors that throws %s is told to nobody else', async (_, fail) => {
    vi.useFakeTimers();
    const report = vi.spyOn(console, 'error').mockReturnValue();
    const codes: string[] = [];
    const getToken = () => Promise.reject(new Error('no token'));
    const halley = new Halley({ nodes, getToken, share: false });
    halley.on('error', ({ code }) => {
      codes.push(code);
      return fail();
    });
    halley.connect();
    await vi.advanceTimersByTimeAsync(TIMINGS.backoffMaxMs);
    expect(halley.state.name).toBe('unauthorized');
    expect(codes).toEqual([...Array(3).fill('token-failed'), 'unauthorized']);
    // Node has no `reportError`.
    expect(report).toHaveBeenCalledTimes(codes.length);
    halley.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a closed one says so instead of waiting', async () => {
    const halley = new Halley({ nodes });
    halley.close();
    for (const call of [halley.publish('c', 1), halley.history('c'), halley.members('c')]) {
      await expect(call).rejects.toMatchObject({ code: 'closed' });
    }
  });

  test('every default has its unit, and none is zero', () => {
    for (const [name, value] of Object.entries(TIMINGS)) {
      expect(name).toMatch(/Ms$/);
      expect(value).toBeGreaterThan(0);
    }
  });
});
