/** The tabs of one identity, in real browsers: one connection for all of them. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BROWSERS, INSECURE_HOST } from '../kit/browsers.js';
import { type LinkProxy, openLinkProxy } from '../kit/link-proxy.js';
import { type PageSpec, type SdkPage, usePages } from '../kit/sdk-pages.js';
import { counterOf } from '../kit/streams.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const BROWSER_DEADLINE_MS = 120_000;
const TABS = 10;

describe.each(BROWSERS)('tabs in %s', (name) => {
  const stack = useFleet();
  const tabs = usePages(name);
  let link: LinkProxy;
  /** Another one for each test: what is queued for a client outlives its tabs.open. */
  let client = '';

  beforeEach(async () => {
    link = await openLinkProxy(stack.edge().url);
    client = channelIn('');
  });
  afterEach(() => link.stop());

  function open(spec: PageSpec, host?: string): Promise<SdkPage> {
    const options = {
      nodes: [link.url],
      ...(spec.tokenUrl === undefined && { client }),
      ...spec.options,
    };
    return tabs.add({ ...spec, options }, 'plain', host);
  }

  const sharingOf = async (page: SdkPage) => (await page.state())?.sharing;

  test(
    'ten tabs of one identity are one connection, and each hears its own channels alone',
    async () => {
      const common = channelIn('');
      const own = Array.from({ length: TABS }, () => channelIn(''));
      for (const channel of own) await open({ channels: { [common]: {}, [channel]: {} } });
      for (const [index, page] of tabs.open.entries()) await page.ready(String(own[index]));
      expect([link.open('/v1/ws'), link.ever('/v1/ws')]).toEqual([1, 1]);
      expect(await counterOf(stack.edge(), 'halley_connections')).toBe(1);
      const sharings = await Promise.all(tabs.open.map(sharingOf));
      expect(sharings.filter((one) => one === 'leader')).toHaveLength(1);
      expect(sharings.filter((one) => one === 'follower')).toHaveLength(TABS - 1);

      for (const channel of own) await stack.rest.publish(channel, `for ${channel}`);
      await stack.rest.publishPrivate(client, 'for it');
      await stack.rest.publish(common, 'for all');
      for (const [index, page] of tabs.open.entries()) {
        const has = await page.until(
          ({ messages, privates }) =>
            messages[common]?.length === 1 &&
            messages[String(own[index])]?.length === 1 &&
            privates.length === 1,
          'all that is its own',
        );
        expect(has.messages).toEqual({
          [common]: ['for all'],
          [String(own[index])]: [`for ${own[index]}`],
        });
        expect(has.privates).toEqual(['for it']);
        expect(has.errors).toEqual([]);
      }
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'another identity has a connection of its own',
    async () => {
      const other = `${client}-2`;
      for (const one of [client, client, other, other]) await open({ options: { client: one } });
      for (const page of tabs.open) await page.connected();
      expect([link.open('/v1/ws'), link.ever('/v1/ws')]).toEqual([2, 2]);
      await stack.rest.publishPrivate(other, 'for the other');
      for (const page of tabs.open.slice(2)) {
        await page.until(({ privates }) => privates.length === 1, 'its message');
      }
      for (const page of tabs.open.slice(0, 2)) expect((await page.log()).privates).toEqual([]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'tokens of one client share, whatever their expiry; another set of rights does not',
    async () => {
      const specs = [60, 90].map((ttl) => ({ tokenUrl: tabs.site.tokenPath('carol', ttl) }));
      for (const spec of specs) await open(spec);
      await open({ tokenUrl: tabs.site.tokenPath('dave', 60) });
      for (const page of tabs.open) await page.connected();
      expect([link.open('/v1/ws'), link.ever('/v1/ws')]).toEqual([2, 2]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'share: false is one connection for each tab',
    async () => {
      for (let tab = 0; tab < 3; tab += 1) await open({ options: { share: false } });
      for (const page of tabs.open) await page.connected();
      expect(link.open('/v1/ws')).toBe(3);
      expect(await Promise.all(tabs.open.map(sharingOf))).toEqual(['off', 'off', 'off']);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'a page that may not use Web Locks has a connection of its own, and works',
    async () => {
      const channel = channelIn('');
      for (let tab = 0; tab < 2; tab += 1)
        await open({ channels: { [channel]: {} } }, INSECURE_HOST);
      for (const page of tabs.open) await page.connected();
      expect(await tabs.open[0]?.page.evaluate(() => window.isSecureContext)).toBe(false);
      expect(link.open('/v1/ws')).toBe(2);
      expect(await Promise.all(tabs.open.map(sharingOf))).toEqual(['unavailable', 'unavailable']);
      for (const page of tabs.open) await page.ready(channel);
      await tabs.open[0]?.publish(channel, 'insecure');
      for (const page of tabs.open) await page.messages(channel, 1);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'the connection ends with the last tab',
    async () => {
      await open({});
      await open({});
      for (const page of tabs.open) await page.connected();
      await tabs.open.shift()?.page.close();
      await eventually(
        () => link.ever('/v1/ws') === 2 && link.open('/v1/ws') === 1,
        'one took over',
      );
      await tabs.open.shift()?.page.close();
      await eventually(() => link.open('/v1/ws') === 0, 'nobody is connected');
    },
    BROWSER_DEADLINE_MS,
  );
});
