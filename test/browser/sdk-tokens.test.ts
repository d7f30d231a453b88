/** Tokens that run out under a stream, that cannot be had, and tokens of single channels. */

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BROWSERS } from '../kit/browsers.js';
import { type LinkProxy, openLinkProxy } from '../kit/link-proxy.js';
import { type PageSpec, type SdkPage, usePages } from '../kit/sdk-pages.js';
import { numbers, OPEN } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const BROWSER_DEADLINE_MS = 60_000;
const TTL_SECONDS = 4;
const RENEWALS = 2;
const STREAM_INTERVAL_MS = 20;
/** In which a loop would show. */
const QUIET_MS = 1_500;
const TIMINGS = { backoffMs: 50, backoffMaxMs: 200 };
const ATTEMPTS = 3;

describe.each(BROWSERS)('tokens in %s', (name) => {
  const stack = useFleet({
    config: { namespaces: { open: { ...OPEN, historySize: 10_000 }, closed: {} } },
  });
  const pages = usePages(name);
  let link: LinkProxy;
  let client = '';

  beforeEach(async () => {
    link = await openLinkProxy(stack.edge().url);
    client = channelIn('');
    pages.site.tokens = 0;
    pages.site.failsTokens = false;
    pages.site.client = client;
    pages.site.authorized.length = 0;
  });
  afterEach(() => link.stop());

  function open(channel: string, spec: PageSpec = {}, ttlSeconds = TTL_SECONDS): Promise<SdkPage> {
    const options = { nodes: [link.url], timings: TIMINGS, ...spec.options };
    const tokenUrl = pages.site.tokenPath(client, ttlSeconds);
    return pages.add({ tokenUrl, channels: { [channel]: {} }, ...spec, options });
  }

  const isUnauthorized = (page: SdkPage) =>
    page.until(({ states }) => states.at(-1)?.name === 'unauthorized', 'unauthorized');

  test.each(['websocket', 'poll'] as const)(
    '%s: tokens are renewed under a stream, and nothing is lost or doubled',
    async (transport) => {
      const channel = channelIn('open');
      const page = await open(channel, { options: { transports: [transport] } });
      await page.ready(channel);
      let count = 0;
      while (pages.site.tokens <= RENEWALS) {
        await stack.rest.publish(channel, count);
        count += 1;
        await pause(STREAM_INTERVAL_MS);
      }
      const { messages, states, errors, gaps } = await page.messages(channel, count);
      expect(messages[channel]).toEqual(numbers(0, count));
      // A request that stands cannot change its token.
      const reconnects = transport === 'websocket' ? 0 : RENEWALS;
      expect(states.at(-1)?.reconnects).toBeLessThanOrEqual(reconnects);
      expect([errors, gaps]).toEqual([[], []]);
      if (transport === 'websocket') expect(link.ever('/v1/ws')).toBe(1);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'a revoked token is replaced by a new one',
    async () => {
      const channel = channelIn('open');
      const page = await open(channel, {}, 600);
      await page.ready(channel);
      await stack.rest.publish(channel, 0);
      await page.messages(channel, 1);
      expect((await stack.rest.post(`/clients/${client}/revoke`, {})).status).toBe(200);
      await eventually(() => pages.site.tokens === 2, 'a new token is asked for');
      await stack.rest.publish(channel, 1);
      expect((await page.messages(channel, 2)).messages[channel]).toEqual([0, 1]);
      await page.connected();
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'no new token: unauthorized, without a loop; connect() goes on where it was',
    async () => {
      const channel = channelIn('open');
      const page = await open(channel, {}, 600);
      await page.ready(channel);
      await stack.rest.publish(channel, 0);
      await page.messages(channel, 1);
      pages.site.failsTokens = true;
      await stack.rest.post(`/clients/${client}/revoke`, {});
      await isUnauthorized(page);
      expect(pages.site.tokens).toBe(1 + ATTEMPTS);
      await stack.rest.publish(channel, 1);
      await pause(QUIET_MS);
      expect(pages.site.tokens).toBe(1 + ATTEMPTS);
      const { states, errors } = await page.log();
      expect(states.at(-1)?.name).toBe('unauthorized');
      expect(errors.at(-1)?.code).toBe('unauthorized');

      pages.site.failsTokens = false;
      await page.page.evaluate(() => window.client.connect());
      const { messages, gaps } = await page.messages(channel, 2);
      expect([messages[channel], gaps]).toEqual([[0, 1], []]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'no token at the start: unauthorized after three attempts',
    async () => {
      pages.site.failsTokens = true;
      const page = await open(channelIn('open'));
      await isUnauthorized(page);
      await pause(QUIET_MS);
      expect(pages.site.tokens).toBe(ATTEMPTS);
      expect(link.ever(/^/)).toBe(0);
    },
    BROWSER_DEADLINE_MS,
  );

  test.each(['websocket', 'sse'] as const)(
    '%s: the site gives tokens for channels, or refuses them',
    async (transport) => {
      const channel = channelIn('closed');
      const refused = `${channel}-refused`;
      const options = { authorize: true, transports: [transport] } as const;
      const spec = { options, channels: { [channel]: {}, [refused]: {} } };
      const page = await open(channel, spec, 600);
      await page.ready(channel);
      await stack.rest.publish(channel, 'for those who may');
      await page.messages(channel, 1);
      const code = await page.page.evaluate(
        (one: string) =>
          window.subscriptions[one]?.ready.then(
            () => 'subscribed',
            (error: { code: string }) => error.code,
          ),
        refused,
      );
      expect(code).toBe('not-authorized');
      expect([...pages.site.authorized].sort()).toEqual([channel, refused]);
      // What was given once holds for the next connection.
      link.cut();
      await stack.rest.publish(channel, 'after a loss');
      expect((await page.messages(channel, 2)).gaps).toEqual([]);
    },
    BROWSER_DEADLINE_MS,
  );
});
