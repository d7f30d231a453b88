/** A tab that leads and is there, but does nothing: frozen by its browser, or busy with itself. */

import { setTimeout as pause } from 'node:timers/promises';
import type { CDPSession } from 'puppeteer-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BROWSERS } from '../kit/browsers.js';
import { type LinkProxy, openLinkProxy } from '../kit/link-proxy.js';
import { type PageLog, type SdkPage, usePages } from '../kit/sdk-pages.js';
import { numbers, OPEN, publishAll } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const BROWSER_DEADLINE_MS = 60_000;
const TABS = 3;
const MESSAGES = 600;
const BATCH = 5;
const BATCH_INTERVAL_MS = 30;
const PRIVATE_EVERY = 2 * BATCH;
const PRIVATES = numbers(0, MESSAGES / PRIVATE_EVERY).map((nth) => nth * PRIVATE_EVERY);
/** A leader that says nothing is asked after five times this, and replaced after another one. */
const LEADER_MS = 300;
const HANG_MS = 4_000;

describe.each(BROWSERS)('tabs that stand still in %s', (name) => {
  const stack = useFleet({
    config: { namespaces: { open: { ...OPEN, historySize: 2 * MESSAGES } } },
  });
  const tabs = usePages(name);
  let link: LinkProxy;
  let channel = '';
  let client = '';

  beforeEach(async () => {
    link = await openLinkProxy(stack.edge().url);
    channel = channelIn('open');
    client = channelIn('');
    const options = { nodes: [link.url], client, timings: { leaderMs: LEADER_MS } };
    for (let tab = 0; tab < TABS; tab += 1)
      await tabs.add({ options, channels: { [channel]: {} } });
    for (const page of tabs.open) await page.ready(channel);
  }, BROWSER_DEADLINE_MS);
  afterEach(() => link.stop());

  async function stream(): Promise<void> {
    for (let from = 0; from < MESSAGES; from += BATCH) {
      const batch = numbers(from, from + BATCH);
      await publishAll(stack.rest, { channel }, batch);
      // Fewer: of these the leader keeps the last 100 for a tab that comes back.
      if (from % PRIVATE_EVERY === 0) await stack.rest.publishPrivate(client, from);
      await pause(BATCH_INTERVAL_MS);
    }
  }

  async function leading(among: readonly SdkPage[]): Promise<SdkPage> {
    return eventually(async () => {
      for (const page of among) {
        const state = await page.state();
        if (state?.sharing === 'leader' && state.name === 'connected') return page;
      }
      return null;
    }, 'one tab leads');
  }

  const isWhole = ({ messages, privates }: PageLog) =>
    messages[channel]?.at(-1) === MESSAGES - 1 && privates.length >= PRIVATES.length;

  async function expectAll(pages: readonly SdkPage[]): Promise<void> {
    for (const page of pages) {
      const log = await page.until(isWhole, 'the end of both streams');
      expect(log.messages[channel]).toEqual(numbers(0, MESSAGES));
      expect(log.privates).toEqual(PRIVATES);
      expect([log.gaps, log.errors]).toEqual([[], []]);
    }
  }

  const setState = (session: CDPSession, state: 'frozen' | 'active') =>
    session.send('Page.setWebLifecycleState', { state });

  test.skipIf(name !== 'chromium')(
    'a leader that is frozen is replaced, and comes back [can freeze a page: Chromium, by its protocol]',
    async () => {
      const leader = await leading(tabs.open);
      const others = tabs.open.filter((page) => page !== leader);
      const session = await leader.page.createCDPSession();
      const streaming = stream();
      await leader.messages(channel, MESSAGES / 4);
      await setState(session, 'frozen');
      await leading(others);
      await streaming;
      await expectAll(others);
      await setState(session, 'active');
      await expectAll([leader]);
      const { states } = await leader.log();
      expect(states.map((state) => state.name)).toContain('suspended');
      expect(states.at(-1)).toMatchObject({ name: 'connected', sharing: 'follower' });
      expect(link.open('/v1/ws')).toBe(1);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'a leader that hangs is replaced, and follows when it is back',
    async () => {
      const leader = await leading(tabs.open);
      const others = tabs.open.filter((page) => page !== leader);
      const streaming = stream();
      await leader.messages(channel, MESSAGES / 4);
      const hanging = leader.page.evaluate((lengthMs: number) => {
        const endsAt = Date.now() + lengthMs;
        while (Date.now() < endsAt) {
          // Busy.
        }
      }, HANG_MS);
      let isHanging = true;
      void hanging.finally(() => {
        isHanging = false;
      });
      await leading(others);
      expect(isHanging).toBe(true);
      await Promise.all([hanging, streaming]);
      await expectAll(tabs.open);
      expect(await leader.state()).toMatchObject({ name: 'connected', sharing: 'follower' });
      await eventually(() => link.open('/v1/ws') === 1, 'there is one connection');
    },
    BROWSER_DEADLINE_MS,
  );
});
