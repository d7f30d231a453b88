/** Each transport of the SDK in real browsers, and how a page finds the one that its network lets through. */

import { TRANSPORTS, type TransportName } from '@halley/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BROWSERS } from '../kit/browsers.js';
import { type LinkProxy, openLinkProxy, type PathMatcher } from '../kit/link-proxy.js';
import { type PageLog, type SdkPage, usePages } from '../kit/sdk-pages.js';
import { numbers, OPEN, publishAll } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { within } from '../kit/wait.js';

const BROWSER_DEADLINE_MS = 60_000;
/** Of one transport; what follows it is tried then. */
const WELCOME_MS = 500;
const TIMINGS = { welcomeMs: WELCOME_MS, backoffMs: 100, backoffMaxMs: 500 };
/** Requests of each, and of no other. */
const REQUESTS: Readonly<Record<TransportName, PathMatcher>> = {
  websocket: '/v1/ws',
  sse: '/v1/sse',
  stream: '/v1/stream',
  poll: /^\/v1\/poll\?(?!.*callback=)/,
  jsonp: /^\/v1\/poll\?.*callback=/,
};

describe.each(BROWSERS)('transports in %s', (name) => {
  const stack = useFleet({ config: { namespaces: { open: OPEN } } });
  const closed = useFleet({
    config: { namespaces: { open: OPEN } },
    edgeEnv: { HALLEY_ORIGINS: 'https://other.example.com' },
  });
  const pages = usePages(name);
  let link: LinkProxy;

  beforeEach(async () => {
    link = await openLinkProxy(stack.edge().url);
  });
  afterEach(() => link.stop());

  function open(channel: string, options: object = {}): Promise<SdkPage> {
    const all = { nodes: [link.url], share: false, client: 'alice', timings: TIMINGS, ...options };
    return pages.add({ options: all, channels: { [channel]: {} } });
  }

  const has = (channel: string, count: number) => (log: PageLog) =>
    log.messages[channel]?.length === count;

  /** @returns by what the page is connected */
  async function transportOf(page: SdkPage): Promise<string | undefined> {
    await page.connected();
    const state = await page.state();
    return state?.name === 'connected' ? state.transport : undefined;
  }

  async function delivers(page: SdkPage, channel: string): Promise<void> {
    await page.ready(channel);
    const before = (await page.log()).messages[channel]?.length ?? 0;
    await stack.rest.publish(channel, 'it works');
    await page.until(has(channel, before + 1), 'a message');
  }

  test.each(TRANSPORTS)(
    '%s alone: delivers, publishes, and resumes without a hole',
    async (transport) => {
      const channel = channelIn('open');
      const client = channelIn('');
      const page = await open(channel, { transports: [transport], client });
      await page.ready(channel);
      expect(await transportOf(page)).toBe(transport);
      await publishAll(stack.rest, { channel }, numbers(0, 10));
      await page.until(has(channel, 10), 'messages of the backend');
      expect(await page.publish(channel, 10)).toEqual({ id: expect.any(String) });
      await stack.rest.publishPrivate(client, 'before');
      await page.until(({ privates }) => privates.length === 1, 'a private message');

      link.cut();
      await publishAll(stack.rest, { channel }, numbers(11, 20));
      await stack.rest.publishPrivate(client, 'while away');
      const log = await page.until(
        (one) => has(channel, 20)(one) && one.privates.length === 2,
        'what came while it was away',
      );
      expect(log.messages[channel]).toEqual(numbers(0, 20));
      expect(log.privates).toEqual(['before', 'while away']);
      expect([log.gaps, log.errors]).toEqual([[], []]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'JSONP works at a node that does not allow the origin of the page; publishing is refused by name',
    async () => {
      const channel = channelIn('open');
      const nodes = [closed.edge().url];
      const page = await open(channel, { transports: ['jsonp'], nodes });
      await page.ready(channel);
      await publishAll(closed.rest, { channel }, numbers(0, 10));
      const log = await page.until(has(channel, 10), 'the messages');
      expect(log.messages[channel]).toEqual(numbers(0, 10));
      const code = await page.page.evaluate(
        (one: string) => window.client.publish(one, 1).catch(({ code }) => code),
        channel,
      );
      expect(code).toBe('unsupported');
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'JSONP does not keep a page from being loaded',
    async () => {
      const channel = channelIn('open');
      await within(open(channel, { transports: ['jsonp'] }), 'the page is loaded');
    },
    BROWSER_DEADLINE_MS,
  );

  test.each([
    { way: 'websocket reset', transport: 'sse', blocked: 1, stalled: 0 },
    { way: 'websocket deaf', transport: 'sse', blocked: 0, stalled: 1 },
    { way: 'websocket reset, sse deaf', transport: 'stream', blocked: 1, stalled: 2 },
    { way: 'and stream deaf', transport: 'poll', blocked: 1, stalled: 3 },
    { way: 'and poll deaf', transport: 'jsonp', blocked: 1, stalled: 4 },
    { way: 'all but JSONP reset', transport: 'jsonp', blocked: 4, stalled: 4 },
  ])(
    '$way: $transport',
    async ({ transport, blocked, stalled }) => {
      const requests = TRANSPORTS.map((one) => REQUESTS[one]);
      link.block(...requests.slice(0, blocked));
      link.stall(...requests.slice(blocked, stalled));
      const channel = channelIn('open');
      const page = await open(channel);
      await delivers(page, channel);
      expect(await transportOf(page)).toBe(transport);
      await page.publish(channel, 'published');
      const log = await page.until(has(channel, 2), 'its own message');
      expect(log.messages[channel]).toEqual(['it works', 'published']);
      expect([log.gaps, log.errors]).toEqual([[], []]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'what worked with a node is remembered, for this node alone',
    async () => {
      link.block(REQUESTS.websocket);
      const channel = channelIn('open');
      const first = await open(channel);
      await delivers(first, channel);
      expect(await transportOf(first)).toBe('sse');
      const attempts = link.ever(REQUESTS.websocket);
      expect(attempts).toBeGreaterThan(0);
      const second = await open(channel);
      await delivers(second, channel);
      expect(await transportOf(second)).toBe('sse');
      expect(link.ever(REQUESTS.websocket)).toBe(attempts);

      const another = await openLinkProxy(stack.edge().url);
      try {
        const third = await open(channel, { nodes: [another.url] });
        expect(await transportOf(third)).toBe('websocket');
      } finally {
        await another.stop();
      }
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'what is remembered and works no more is given up for another one',
    async () => {
      const channel = channelIn('open');
      const page = await open(channel);
      await delivers(page, channel);
      expect(await transportOf(page)).toBe('websocket');
      link.block(REQUESTS.websocket);
      link.cut();
      await page.until(({ states }) => {
        const last = states.at(-1);
        return last?.name === 'connected' && last.transport === 'sse';
      }, 'connected by sse');
      await delivers(page, channel);
    },
    BROWSER_DEADLINE_MS,
  );
});
