/** Calls for very many that must not become a storm. */

import { Paced } from '@halley/edge/dist/core/paced.js';
import type { Clock } from '@halley/edge/dist/core/ports/clock.js';
import { expect, test } from 'vitest';

const UNDER_WAY_MAX = 32;

/** What is called, until the test says how it ended. */
class Calls {
  readonly called: number[] = [];
  underWay = 0;
  underWayMax = 0;
  readonly #ends: ((isWell: boolean) => void)[] = [];

  readonly call = (item: number): Promise<void> => {
    this.called.push(item);
    this.underWay += 1;
    this.underWayMax = Math.max(this.underWayMax, this.underWay);
    return new Promise((resolve, reject) => {
      this.#ends.push((isWell) => {
        this.underWay -= 1;
        if (isWell) resolve();
        else reject(new Error('not now'));
      });
    });
  };

  /** Ends all that are under way, and lets the next ones begin. */
  async end(isWell = true): Promise<void> {
    for (const end of this.#ends.splice(0)) end(isWell);
    await new Promise(setImmediate);
  }
}

class StillClock implements Clock {
  readonly waiting: { delayMs: number; callback: () => void }[] = [];

  now(): number {
    return 0;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.waiting.push({ delayMs, callback });
    return () => undefined;
  }

  async ring(): Promise<void> {
    for (const { callback } of this.waiting.splice(0)) callback();
    await new Promise(setImmediate);
  }
}

function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

test('each is called once, so many at a time, in order', async () => {
  const calls = new Calls();
  const paced = new Paced(new StillClock(), calls.call);
  paced.add(numbers(0, 1_000));
  // Who waits already is not called twice, and who comes later comes last.
  paced.add(numbers(500, 600));
  while (calls.underWay > 0) await calls.end();
  expect(calls.called).toEqual(numbers(0, 1_100));
  expect(calls.underWayMax).toBe(UNDER_WAY_MAX);
  paced.add([7]);
  await calls.end();
  expect(calls.called.at(-1)).toBe(7);
});

test('where calls fail nobody else is called for a second, and then they are called again', async () => {
  const calls = new Calls();
  const clock = new StillClock();
  const paced = new Paced(clock, calls.call);
  paced.add(numbers(0, 100));
  await calls.end(false);
  expect(calls.called).toEqual(numbers(0, UNDER_WAY_MAX));
  expect(clock.waiting.map(({ delayMs }) => delayMs)).toEqual(Array(UNDER_WAY_MAX).fill(1_000));
  paced.add(numbers(100, 10));
  expect(calls.underWay).toBe(0);
  await clock.ring();
  while (calls.underWay > 0) await calls.end();
  expect(calls.called.slice(UNDER_WAY_MAX)).toEqual([
    ...numbers(UNDER_WAY_MAX, 100 - UNDER_WAY_MAX),
    ...numbers(0, UNDER_WAY_MAX),
    ...numbers(100, 10),
  ]);
});
