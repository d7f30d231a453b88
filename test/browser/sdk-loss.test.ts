/** Links that carry nothing, and histories that did not wait. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BROWSERS } from '../kit/browsers.js';
import { type LinkProxy, openLinkProxy } from '../kit/link-proxy.js';
import { type SdkPage, usePages } from '../kit/sdk-pages.js';
import { numbers, OPEN, publishAll } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';

const BROWSER_DEADLINE_MS = 60_000;
const PING_INTERVAL_MS = 1_000;
const PONG_MS = 1_000;
/** What HTTP has on top of it: signs of life come a little later than promised. */
const HTTP_PATIENCE_MS = 700;
/** Of two busy cores. */
const SLACK_MS = 3_000;
const HISTORY = 5;
const MISSED = 500;
const TIMINGS = { pongMs: PONG_MS, welcomeMs: 1_000, backoffMs: 100, backoffMaxMs: 500 };

describe.each(BROWSERS)('losses in %s', (name) => {
  const stack = useFleet({
    edges: 2,
    config: {
      namespaces: { open: OPEN, short: { ...OPEN, historySize: HISTORY } },
    },
    edgeEnv: { HALLEY_PING_INTERVAL_MS: String(PING_INTERVAL_MS) },
  });
  const pages = usePages(name);
  let link: LinkProxy;
  let client = '';

  beforeEach(async () => {
    link = await openLinkProxy(stack.edge().url);
    client = channelIn('');
  });
  afterEach(() => link.stop());

  function open(channel: string, options: object = {}): Promise<SdkPage> {
    const all = { nodes: [link.url], client, timings: TIMINGS, ...options };
    return pages.add({ options: all, channels: { [channel]: {} } });
  }

  test.each(['websocket', 'sse', 'stream'] as const)(
    '%s: a link that swallows everything is noticed in time, and nothing is lost or doubled',
    async (transport) => {
      const channel = channelIn('open');
      const page = await open(channel, { transports: [transport] });
      await page.ready(channel);
      await publishAll(stack.rest, { channel }, numbers(0, 5));
      await page.messages(channel, 5);

      link.swallow();
      const swallowedAt = performance.now();
      await publishAll(stack.rest, { channel }, numbers(5, 10));
      await page.page.evaluate((one: string) => {
        void window.client.publish(one, 'own');
      }, channel);
      await page.until(({ states }) => states.at(-1)?.name !== 'connected', 'the loss is noticed');
      const noticedMs = performance.now() - swallowedAt;
      const patienceMs = transport === 'websocket' ? 0 : HTTP_PATIENCE_MS;
      expect(noticedMs).toBeLessThan(PING_INTERVAL_MS + PONG_MS + patienceMs + SLACK_MS);

      link.cut();
      link.heal();
      await publishAll(stack.rest, { channel }, numbers(10, 15));
      const { messages, gaps, errors } = await page.messages(channel, 16);
      const rest = messages[channel]?.filter((data) => data !== 'own');
      expect(rest).toEqual(numbers(0, 15));
      expect(messages[channel]).toHaveLength(16);
      expect([gaps, errors]).toEqual([[], []]);
    },
    BROWSER_DEADLINE_MS,
  );

  test.each(['websocket', 'sse', 'poll', 'jsonp'] as const)(
    '%s: what was missed for good is told by a gap, and the rest follows in order',
    async (transport) => {
      const channel = channelIn('short');
      link.leadTo(stack.edge(0).url);
      const page = await open(channel, { transports: [transport] });
      await page.ready(channel);
      await stack.rest.publish(channel, 0);
      await page.messages(channel, 1);

      link.block(/^/);
      link.cut();
      await page.until(({ states }) => states.at(-1)?.name !== 'connected', 'it is away');
      await publishAll(stack.rest, { channel }, numbers(1, MISSED));
      // One that has not heard them, and has to look into the history.
      link.leadTo(stack.edge(1).url);
      // Browsers open connections ahead of what they ask: those lead to the first one still.
      link.cut();
      link.heal();
      const { story, gaps } = await page.until(
        ({ messages }) => messages[channel]?.at(-1) === MISSED - 1,
        'the newest message',
      );
      // Of a history a little more may be kept than was promised.
      const kept = story.slice(2);
      expect(story).toEqual([0, 'gap', ...numbers(MISSED - kept.length, MISSED)]);
      expect(kept.length).toBeGreaterThanOrEqual(HISTORY);
      expect(gaps).toEqual([{ channel, position: expect.any(String) }]);
      await stack.rest.publish(channel, MISSED);
      expect((await page.messages(channel, 2 + kept.length)).gaps).toHaveLength(1);
    },
    BROWSER_DEADLINE_MS,
  );
});
