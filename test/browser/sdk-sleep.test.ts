/** A laptop that sleeps for longer than anything waits for it: both browsers at the same time. */

import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { putToSleep } from '../kit/browser-processes.js';
import { BROWSERS } from '../kit/browsers.js';
import { type PageLog, usePages } from '../kit/sdk-pages.js';
import { counterOf, numbers, OPEN, publishAll } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const QUEUE_MS = 60_000;
/** Longer than the edge's patience (16 s) and then the queue's, and than a token with its leeway (60 s). */
const SLEEP_MS = 90_000;
const TTL_SECONDS = 30;
const PING_INTERVAL_MS = 2_000;
/** How soon what was missed should be there; a loaded machine gets more. */
const WAKE_GOAL_MS = 2_000;
const WAKE_DEADLINE_MS = 10_000;
const TEST_DEADLINE_MS = 180_000;

describe('a laptop that is shut', () => {
  const stack = useFleet({
    config: { namespaces: { open: OPEN } },
    edgeEnv: { HALLEY_PING_INTERVAL_MS: String(PING_INTERVAL_MS) },
  });
  const laptops = BROWSERS.map((name) => ({ name, pages: usePages(name) }));

  /** Two tabs, one of which leads. */
  async function open({ pages }: (typeof laptops)[number]) {
    const channel = channelIn('open');
    const client = channelIn('');
    const tokenUrl = pages.site.tokenPath(client, TTL_SECONDS);
    const options = { nodes: [stack.edge().url] };
    for (let tab = 0; tab < 2; tab += 1) {
      await pages.add({ tokenUrl, options, channels: { [channel]: {} } });
    }
    for (const page of pages.open) await page.ready(channel);
    await publishAll(stack.rest, { channel }, numbers(0, 10));
    await publishAll(stack.rest, { client }, numbers(0, 3));
    for (const page of pages.open) {
      await page.messages(channel, 10);
      await page.privates(3);
    }
    return { channel, client };
  }

  test(
    'it wakes up connected, with what the history has, and says what the queue has not',
    async () => {
      const users = await Promise.all(laptops.map(open));
      const tokens = laptops.map(({ pages }) => pages.site.tokens);
      const wakes = laptops.map(({ pages }) => putToSleep(pages.browser));
      let wokenAt = 0;
      const sleptAt = performance.now();
      try {
        // What the edge still sends waits in the sockets of the sleepers.
        for (const { channel } of users) await publishAll(stack.rest, { channel }, numbers(10, 15));
        const isLetGo = async () => (await counterOf(stack.edge(), 'halley_connections')) === 0;
        await eventually(isLetGo, 'the edge has let go', SLEEP_MS - QUEUE_MS);
        for (const { channel, client } of users) {
          await publishAll(stack.rest, { channel }, numbers(15, 20));
          await stack.rest.publishPrivate(client, 'too early to be kept');
        }
        await pause(SLEEP_MS - (performance.now() - sleptAt));
        for (const { client } of users) await stack.rest.publishPrivate(client, 'late');
      } finally {
        wokenAt = performance.now();
        for (const wake of wakes) wake();
      }
      await Promise.all(
        laptops.map(async ({ name, pages }, index) => {
          const { channel = '' } = users[index] ?? {};
          const isBack = ({ messages, privates, states }: PageLog) =>
            messages[channel]?.length === 20 &&
            privates.at(-1) === 'late' &&
            states.at(-1)?.name === 'connected';
          for (const page of pages.open) {
            const log = await page.until(isBack, 'what was missed', WAKE_DEADLINE_MS);
            expect(log.messages[channel]).toEqual(numbers(0, 20));
            expect(log.privates).toEqual([...numbers(0, 3), 'late']);
            expect(log.gaps).toEqual([{ position: expect.any(String) }]);
            expect(log.errors).toEqual([]);
          }
          const tookMs = Math.round(performance.now() - wokenAt);
          const goal = `the goal is ${WAKE_GOAL_MS} ms`;
          process.stdout.write(`${name}: two tabs back ${tookMs} ms after the sleep (${goal})\n`);
          expect(pages.site.tokens).toBeGreaterThan(tokens[index] ?? Number.POSITIVE_INFINITY);
        }),
      );
    },
    TEST_DEADLINE_MS,
  );
});
