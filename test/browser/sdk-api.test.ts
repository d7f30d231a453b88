/** What an application does with the SDK, in real browsers. */

/// <reference lib="dom" />

import { describe, expect, test } from 'vitest';
import { BROWSERS } from '../kit/browsers.js';
import { type SdkPage, usePages } from '../kit/sdk-pages.js';
import { OPEN } from '../kit/streams.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const BROWSER_DEADLINE_MS = 60_000;
const GRACE_MS = 100;

describe.each(BROWSERS)('an application in %s', (name) => {
  const stack = useFleet({
    config: {
      namespaces: { open: { ...OPEN, members: true, joinLeave: true, leaveDelayMs: 0 } },
    },
    env: { HALLEY_PRESENCE_GRACE_MS: String(GRACE_MS) },
  });
  const pages = usePages(name);

  function open(channels: Parameters<typeof pages.add>[0]['channels'] = {}, options: object = {}) {
    const all = { nodes: [stack.edge().url], client: channelIn(''), ...options };
    return pages.add({ options: all, channels });
  }

  const data = async (page: SdkPage, channel: string) => (await page.log()).messages[channel];

  test(
    'a handler that throws is told as an error, and the stream goes on',
    async () => {
      const channel = channelIn('open');
      const page = await open();
      await page.page.evaluate((one: string) => {
        const heard: unknown[] = [];
        window.collected.messages[one] = heard;
        const subscription = window.client.subscribe(one, ({ data }) => {
          heard.push(data);
          if (data === 'bad') throw new Error('of the application');
        });
        window.subscriptions[one] = subscription;
        return subscription.ready;
      }, channel);
      for (const one of ['good', 'bad', 'better']) await stack.rest.publish(channel, one);
      const { messages, errors } = await page.messages(channel, 3);
      expect(messages[channel]).toEqual(['good', 'bad', 'better']);
      expect(errors.map(({ code }) => code)).toEqual(['handler-failed']);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'echo: false keeps away what the page has published itself, and nothing else',
    async () => {
      const channel = channelIn('open');
      const page = await open({ [channel]: { echo: false } });
      const other = await open({ [channel]: {} });
      await page.ready(channel);
      await other.ready(channel);
      await page.publish(channel, 'own');
      await other.publish(channel, 'of another');
      await page.publish(channel, 'own again');
      await stack.rest.publish(channel, 'of the backend');
      expect((await page.messages(channel, 2)).messages[channel]).toEqual([
        'of another',
        'of the backend',
      ]);
      expect((await other.messages(channel, 4)).messages[channel]).toEqual([
        'own',
        'of another',
        'own again',
        'of the backend',
      ]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'echo: false in two tabs that share a connection: each hears the other one',
    async () => {
      const channel = channelIn('open');
      const options = { client: channelIn('') };
      const tabs = [
        await open({ [channel]: { echo: false } }, options),
        await open({ [channel]: { echo: false } }, options),
      ];
      for (const tab of tabs) await tab.ready(channel);
      for (const [index, tab] of tabs.entries()) await tab.publish(channel, index);
      await stack.rest.publish(channel, 'end');
      for (const tab of tabs) {
        await tab.until(({ messages }) => messages[channel]?.at(-1) === 'end', 'the end');
      }
      const [first, second] = tabs as [SdkPage, SdkPage];
      expect(await data(first, channel)).toEqual([1, 'end']);
      expect(await data(second, channel)).toEqual([0, 'end']);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'for await takes messages in order, and ends with the subscription',
    async () => {
      const channel = channelIn('open');
      const page = await open({ [channel]: {} });
      await page.ready(channel);
      await page.page.evaluate((one: string) => {
        const subscription = window.subscriptions[one];
        void (async () => {
          for await (const { data } of subscription ?? []) {
            window.collected.story.push(['looped', data]);
            if (data === 2) subscription?.unsubscribe();
          }
          window.collected.story.push('over');
        })();
      }, channel);
      for (const one of [1, 2, 3]) await stack.rest.publish(channel, one);
      const { story } = await page.until((log) => log.story.includes('over'), 'the loop is over');
      expect(story.filter((one) => Array.isArray(one) || one === 'over')).toEqual([
        ['looped', 1],
        ['looped', 2],
        'over',
      ]);
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'unsubscribe: the edge holds the channel no more, and the others go on',
    async () => {
      const [left, kept] = [channelIn('open'), channelIn('open')];
      const page = await open({ [left]: {}, [kept]: {} });
      await page.ready(left);
      await page.ready(kept);
      await page.page.evaluate((one: string) => window.subscriptions[one]?.unsubscribe(), left);
      const isLeft = async () => {
        const { body } = await stack.rest.get(`/channels/${left}`);
        return (body as { readonly subscribers?: number }).subscribers !== 1;
      };
      await eventually(isLeft, 'nobody holds the channel');
      await stack.rest.publish(left, 'for nobody');
      await stack.rest.publish(kept, 'for the page');
      expect((await page.messages(kept, 1)).messages).toEqual({
        [left]: [],
        [kept]: ['for the page'],
      });
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'watch tells when another client comes and goes',
    async () => {
      const friend = channelIn('');
      const page = await open(
        {},
        {
          client: undefined,
          token: tokenFor(channelIn(''), { subscribe: [`@client:${friend}`] }),
        },
      );
      await page.page.evaluate((one: string) => {
        const subscription = window.client.watch(one, ({ online }) => {
          window.collected.story.push(online);
        });
        window.subscriptions['watch'] = subscription;
        return subscription.ready;
      }, friend);
      const other = await open({}, { client: friend });
      await other.connected();
      await page.until(({ story }) => story.at(-1) === true, 'online');
      await other.page.close();
      pages.open = pages.open.filter((one) => one !== other);
      await page.until(({ story }) => story.at(-1) === false, 'offline');
    },
    BROWSER_DEADLINE_MS,
  );

  test(
    'members and history; join and leave',
    async () => {
      const channel = channelIn('open');
      const [one, two] = [channelIn(''), channelIn('')];
      const page = await open({ [channel]: {} }, { client: one });
      await page.ready(channel);
      await page.page.evaluate((name: string) => {
        for (const event of ['join', 'leave'] as const) {
          window.subscriptions[name]?.on(event, ({ clientId }) => {
            window.collected.story.push([event, clientId]);
          });
        }
      }, channel);
      const other = await open({ [channel]: {} }, { client: two });
      await other.ready(channel);
      // Of its own coming a page may or may not hear.
      const heard = (story: readonly unknown[]) =>
        story.filter((entry) => Array.isArray(entry) && entry[1] === two);
      await page.until(({ story }) => heard(story).length === 1, 'it joins');
      await page.publish(channel, 'kept');
      const [history, members] = await page.page.evaluate(
        (name: string) => Promise.all([window.client.history(name), window.client.members(name)]),
        channel,
      );
      expect(history).toMatchObject({ messages: [{ channel, data: 'kept', clientId: one }] });
      expect(members.count).toBe(2);
      expect(members.members.map(({ clientId }) => clientId).sort()).toEqual([one, two].sort());
      await other.page.evaluate(() => window.client.close());
      const { story } = await page.until((log) => heard(log.story).length === 2, 'it leaves');
      expect(heard(story)).toEqual([
        ['join', two],
        ['leave', two],
      ]);
    },
    BROWSER_DEADLINE_MS,
  );
});
