/** The tab that leads ends, or its node does, under a stream of messages: the other tabs miss nothing. */

import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { BROWSERS } from '../kit/browsers.js';
import { type PageLog, type SdkPage, usePages } from '../kit/sdk-pages.js';
import { numbers, OPEN, publishAll } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const BROWSER_DEADLINE_MS = 120_000;
const MESSAGES = 1_000;
const BATCH = 10;
/** So that the stream takes longer than what happens under it. */
const BATCH_INTERVAL_MS = 25;
const LOG = { ...OPEN, historySize: 2 * MESSAGES };
/** Signs of life and the waits of the SDK, shorter than usual. */
const TIMINGS = { leaderMs: 1_000, backoffMs: 100 };

describe.each(BROWSERS)('leaders in %s', (name) => {
  const stack = useFleet({
    edges: 2,
    config: { namespaces: { open: LOG }, queueMaxMessages: 2 * MESSAGES },
  });
  const tabs = usePages(name);
  let channel = '';
  let client = '';

  async function openTabs(count: number): Promise<void> {
    channel = channelIn('open');
    client = channelIn('');
    const nodes = stack.fleet.edges.filter((edge) => edge.isRunning).map(({ url }) => url);
    const options = { nodes, client, timings: TIMINGS };
    for (let tab = 0; tab < count; tab += 1)
      await tabs.add({ options, channels: { [channel]: {} } });
    for (const page of tabs.open) await page.ready(channel);
  }

  /** Takes it off the list of the tabs.open as well. */
  async function leader(): Promise<SdkPage> {
    const found = await eventually(async () => {
      for (const one of tabs.open) {
        const state = await one.state();
        if (state?.sharing === 'leader' && state.name === 'connected') return one;
      }
      return null;
    }, 'one tab leads');
    tabs.open = tabs.open.filter((page) => page !== found);
    return found;
  }

  /** Publishes numbers, and the same numbers to the client, while something else happens. */
  async function stream(meanwhile: () => Promise<void>): Promise<void> {
    const publishing = (async () => {
      for (let from = 0; from < MESSAGES; from += BATCH) {
        const batch = numbers(from, from + BATCH);
        await publishAll(stack.rest, { channel }, batch);
        await publishAll(stack.rest, { client }, batch);
        await pause(BATCH_INTERVAL_MS);
      }
    })();
    await Promise.all([publishing, meanwhile()]);
  }

  const reached = (count: number) => (log: PageLog) =>
    (log.messages[channel]?.length ?? 0) >= count;

  async function expectAll(): Promise<void> {
    const whole = numbers(0, MESSAGES);
    for (const page of tabs.open) {
      const isWhole = ({ messages, privates }: PageLog) =>
        messages[channel]?.at(-1) === MESSAGES - 1 && privates.at(-1) === MESSAGES - 1;
      const log = await page.until(isWhole, 'the end of both streams', BROWSER_DEADLINE_MS / 4);
      const isMissing = (heard: unknown) => (one: number) =>
        Array.isArray(heard) && !heard.includes(one);
      expect({
        messages: whole.filter(isMissing(log.messages[channel])),
        privates: whole.filter(isMissing(log.privates)),
        gaps: log.gaps,
      }).toEqual({ messages: [], privates: [], gaps: [] });
      expect(log.messages[channel]).toEqual(whole);
      expect(log.privates).toEqual(whole);
      expect([log.gaps, log.errors]).toEqual([[], []]);
    }
  }

  /** Ends one leader after the other. */
  async function endLeaders(count: number, end: (page: SdkPage) => Promise<void>): Promise<void> {
    for (let nth = 1; nth <= count; nth += 1) {
      const last = await leader();
      await last.until(reached((nth * MESSAGES) / (count + 2)), 'some of the stream');
      await end(last);
    }
  }

  test(
    'three leaders close in a row: every other tab has each message once, in order',
    async () => {
      await openTabs(5);
      await stream(() => endLeaders(3, ({ page }) => page.close()));
      await expectAll();
      const reconnects = await Promise.all(
        tabs.open.map(async (page) => (await page.state())?.reconnects),
      );
      expect(reconnects).toEqual([3, 3]);
    },
    BROWSER_DEADLINE_MS,
  );

  test.skipIf(name !== 'chromium')(
    'two leaders crash in a row [can crash one page alone: Chromium, by its protocol]',
    async () => {
      await openTabs(4);
      await stream(() =>
        endLeaders(2, async ({ page }) => {
          const crashed = new Promise((resolve) => page.once('error', resolve));
          const session = await page.createCDPSession();
          // It is never answered.
          void session.send('Page.crash').catch(() => undefined);
          await within(crashed, 'the page has crashed');
        }),
      );
      await expectAll();
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'a leader navigates away',
    async () => {
      await openTabs(3);
      await stream(() =>
        endLeaders(2, async ({ page }) => {
          await page.goto(`${tabs.site.origin}/blank`);
        }),
      );
      await expectAll();
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'the node is killed: every tab goes on at the other one',
    async () => {
      await openTabs(4);
      const leading = await leader();
      tabs.open.push(leading);
      await stream(async () => {
        await leading.until(reached(MESSAGES / 4), 'some of the stream');
        const state = await leading.state();
        const node = state?.name === 'connected' ? state.node : '';
        await stack.fleet.edges.find(({ url }) => url === node)?.kill();
      });
      await expectAll();
    },
    BROWSER_DEADLINE_MS,
  );
});
