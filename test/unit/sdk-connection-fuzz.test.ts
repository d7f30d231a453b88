/** Whatever a network does, in whatever order: a connection keeps to its table and leaves nothing open. */

import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MOVES } from '../../libs/sdk/dist/states.js';
import {
  ConnectionUnderTest,
  type ScriptedLink,
  settle,
  unsignedToken,
} from '../kit/sdk-doubles.js';

const RUNS = 200;
const STEPS_MAX = 40;
/** The current link, one that is on its way, and no more. */
const LINKS_MAX = 2;

type Step = (one: ConnectionUnderTest) => void | Promise<void>;

/** So that a script that fails can be read. */
function named(name: string, step: Step): Step {
  return Object.assign(step, { [fc.toStringMethod]: () => name });
}

const ADVICE = ['stop', 'reconnect', 'resume', 'renew-token'] as const;
const link = fc.nat({ max: LINKS_MAX - 1 });
/** One of the links that are open. */
const withLink = (name: string, index: number, act: (link: ScriptedLink) => void): Step =>
  named(`${name} of link ${index}`, ({ network }) => {
    const { open } = network;
    const chosen = open[index % Math.max(1, open.length)];
    if (chosen !== undefined) act(chosen);
  });

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: link.map((index) =>
        withLink('welcome', index, (one) => {
          // A link gives one.
          if (!one.isWelcome) one.welcome();
        }),
      ),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(link, fc.constantFrom(...ADVICE), fc.boolean())
        .map(([index, advice, isAnswer]) =>
          withLink(`end (${advice})`, index, (one) => one.end({ advice, isAnswer })),
        ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(link, fc.constantFrom(0, 500, 40_000))
        .map(([index, retryAfterMs]) =>
          withLink(`goodbye (${retryAfterMs})`, index, (one) => one.goodbye({ retryAfterMs })),
        ),
    },
    {
      weight: 6,
      arbitrary: fc.constantFrom(0, 1, 999, 5_000, 12_000, 60_000).map((ms) =>
        named(`${ms} ms`, async () => {
          await vi.advanceTimersByTimeAsync(ms);
        }),
      ),
    },
    { weight: 1, arbitrary: fc.constant(named('wake', ({ connection }) => connection.wake())) },
  ),
  { maxLength: STEPS_MAX, size: 'max' },
);

const rejections: unknown[] = [];
const keep = (reason: unknown) => rejections.push(reason);

beforeEach(() => {
  vi.useFakeTimers();
  process.on('unhandledRejection', keep);
});

afterEach(() => {
  process.off('unhandledRejection', keep);
  vi.useRealTimers();
});

function check(one: ConnectionUnderTest): void {
  const allowed = Object.entries(MOVES).flatMap(([from, to]) =>
    to.map((name) => `${from}>${name}`),
  );
  expect(allowed).toEqual(expect.arrayContaining([...new Set(one.moves)]));
  const { open } = one.network;
  expect(open.length).toBeLessThanOrEqual(LINKS_MAX);
  if (one.name === 'connected') expect(open.length).toBeGreaterThan(0);
  else expect(open.length).toBeLessThanOrEqual(1);
  if (one.name === 'closed' || one.name === 'unauthorized') expect(open).toEqual([]);
  expect(one.turns.join(' ')).not.toMatch(/^down|up up|down down/);
  expect(rejections).toEqual([]);
}

test('any order of events', async () => {
  const run = fc.asyncProperty(steps, fc.boolean(), async (script, isRenewable) => {
    vi.clearAllTimers();
    const getToken = () => unsignedToken({ sub: 'a' });
    const one = new ConnectionUnderTest({
      nodes: ['http://a', 'http://b'],
      transports: ['websocket', 'poll'],
      ...(isRenewable && { getToken }),
    });
    await one.start();
    for (const step of script) {
      await step(one);
      await settle();
      check(one);
    }
    one.connection.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(one.network.open).toEqual([]);
  });
  await fc.assert(run, { numRuns: RUNS });
});
