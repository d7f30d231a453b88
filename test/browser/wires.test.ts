/** What pages need, in the browsers that have it: EventSource, script tags and frames. */

/// <reference lib="dom" />

import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BROWSERS, openPage, Site, startBrowser } from '../kit/browsers.js';
import { channelIn, useFleet } from '../kit/use-fleet.js';

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const BROWSER_DEADLINE_MS = 120_000;
const POLLING_MS = 50;
const HOSTILE = '</script><!--\u2028"\\ ❄';

/** What a page has collected; `halley` is where the tests keep it. */
interface Collected {
  readonly events: { data: string; lastEventId: string }[];
  readonly opens: number;
  readonly calls: unknown[];
}

declare global {
  interface Window {
    halley: Collected;
    [name: string]: unknown;
  }
}

describe.each(BROWSERS)('a page in %s', (name) => {
  const stack = useFleet({ config: { namespaces: { open: OPEN } } });
  let browser: Browser;
  /** The page's own origin, with the edge behind it; and a page of another origin. */
  let site: Site;
  let foreignSite: Site;
  let page: Page;
  let foreignPage: Page;

  beforeAll(async () => {
    browser = await startBrowser(name);
    site = await Site.start(() => stack.edge().url);
    foreignSite = await Site.start(() => stack.edge().url);
    page = await openPage(browser, site.url);
    foreignPage = await openPage(browser, foreignSite.url);
  }, BROWSER_DEADLINE_MS);

  afterAll(async () => {
    await browser?.close();
    await site?.stop();
    await foreignSite?.stop();
  }, BROWSER_DEADLINE_MS);

  const publish = (channel: string, data: unknown) => stack.rest.publish(channel, data);

  async function collected(on: Page, what: 'events' | 'calls' | 'opens', count: number) {
    await on.waitForFunction(
      (member: 'events' | 'calls' | 'opens', wanted: number) => {
        const found = window.halley[member];
        return (typeof found === 'number' ? found : found.length) >= wanted;
      },
      // A page in the background draws no frames that could be waited for.
      { timeout: BROWSER_DEADLINE_MS / 2, polling: POLLING_MS },
      what,
      count,
    );
    return on.evaluate(() => window.halley);
  }

  async function listen(on: Page, url: string): Promise<void> {
    await on.evaluate((address: string) => {
      const halley = { events: [] as Collected['events'], opens: 0, calls: [] };
      window.halley = halley;
      const source = new EventSource(address);
      source.onopen = () => {
        halley.opens += 1;
      };
      source.onmessage = ({ data, lastEventId }) => halley.events.push({ data, lastEventId });
    }, url);
  }

  async function loadScript(on: Page, url: string, callback: string): Promise<void> {
    await on.evaluate(
      (address: string, called: string) => {
        const calls: unknown[] = [];
        window.halley = { events: [], opens: 0, calls };
        window[called] = (value: unknown) => calls.push(value);
        const script = document.createElement('script');
        script.src = address;
        document.body.append(script);
      },
      url,
      callback,
    );
  }

  const dataOf = ({ events }: Collected) =>
    events
      .map(({ data }) => JSON.parse(data) as { type: string; data?: unknown })
      .filter(({ type }) => type === 'message')
      .map(({ data }) => data);

  test(
    'H-10 EventSource: events in order; a lost connection is resumed without a hole',
    async () => {
      const channel = channelIn('open');
      await listen(page, `/v1/sse?channel=${channel}`);
      await collected(page, 'opens', 1);
      await collected(page, 'events', 2);
      await publish(channel, 'one');
      await publish(channel, HOSTILE);
      expect(dataOf(await collected(page, 'events', 4))).toEqual(['one', HOSTILE]);
      site.cut();
      await publish(channel, 'while away');
      await collected(page, 'opens', 2);
      await publish(channel, 'back');
      const all = await collected(page, 'events', 8);
      expect(dataOf(all)).toEqual(['one', HOSTILE, 'while away', 'back']);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'EventSource of another origin may read what the edge allows',
    async () => {
      const channel = channelIn('open');
      await listen(foreignPage, `${stack.edge().url}/v1/sse?channel=${channel}`);
      await collected(foreignPage, 'events', 2);
      await publish(channel, 'across');
      expect(dataOf(await collected(foreignPage, 'events', 3))).toEqual(['across']);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'fetch of another origin: a preflight lets the token pass',
    async () => {
      const channel = channelIn('open');
      const status = await foreignPage.evaluate(async (url: string) => {
        const answer = await fetch(url, { headers: { Authorization: 'Bearer x.y.z' } });
        return [answer.status, ((await answer.json()) as { code: string }).code];
      }, `${stack.edge().url}/v1/poll?channel=${channel}`);
      expect(status).toEqual([401, 'bad-token']);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'H-26 JSONP: a script tag of another origin polls',
    async () => {
      const channel = channelIn('open');
      await publish(channel, HOSTILE);
      const url = `${stack.edge().url}/v1/poll?channel=${channel}&last=1&callback=taken`;
      await loadScript(foreignPage, url, 'taken');
      const { calls } = await collected(foreignPage, 'calls', 1);
      const [{ frames }] = calls as [{ frames: { type: string; data?: unknown }[] }];
      expect(frames.at(-1)).toMatchObject({ type: 'message', data: HOSTILE });
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'I-13 JSONP of iComet',
    async () => {
      const cname = channelIn('open');
      await publish(cname, HOSTILE);
      const url = `${stack.edge().url}/icomet/sub?cname=${cname}&seq=1&cb=icomet_cb_1`;
      await loadScript(foreignPage, url, 'icomet_cb_1');
      const { calls } = await collected(foreignPage, 'calls', 1);
      expect(calls).toEqual([[{ type: 'data', cname, seq: 1, content: HOSTILE }]]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'I-14 the frame of iComet calls its page, as messages come',
    async () => {
      const cname = channelIn('open');
      await publish(cname, 'kept');
      await page.evaluate((src: string) => {
        const calls: unknown[] = [];
        window.halley = { events: [], opens: 0, calls };
        window['icomet_cb'] = (value: unknown) => calls.push(value);
        const frame = document.createElement('iframe');
        frame.src = src;
        document.body.append(frame);
      }, `/icomet/iframe?cname=${cname}&seq=1`);
      await collected(page, 'calls', 1);
      await publish(cname, HOSTILE);
      const { calls } = await collected(page, 'calls', 2);
      expect(calls).toEqual([
        { type: 'data', cname, seq: 1, content: 'kept' },
        { type: 'data', cname, seq: 2, content: HOSTILE },
      ]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'I-14 EventSource of iComet',
    async () => {
      const cname = channelIn('open');
      await listen(page, `/icomet/sse?cname=${cname}&seq=1`);
      await collected(page, 'opens', 1);
      await publish(cname, HOSTILE);
      const { events } = await collected(page, 'events', 1);
      expect(JSON.parse(events[0]?.data ?? '')).toEqual({
        type: 'data',
        cname,
        seq: 1,
        content: HOSTILE,
      });
    },
    BROWSER_DEADLINE_MS,
  );
});
