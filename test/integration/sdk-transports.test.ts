/** What every transport of the browser SDK gives to the layer above, by the very same frames. */

import { afterEach, describe, expect, test } from 'vitest';
import { field } from '../kit/rest.js';
import { SdkLink, type SdkLinkOptions } from '../kit/sdk-link.js';
import { numbers, OPEN, publishAll } from '../kit/streams.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const TRANSPORTS = ['websocket', 'sse', 'stream', 'poll'] as const;
const HTTP = ['sse', 'stream', 'poll'] as const;
const PING_INTERVAL_MS = 1_000;
const WHILE_FLOWING = 200;

describe('the transports of the SDK', () => {
  const stack = useFleet({
    edges: 2,
    config: {
      namespaces: {
        open: OPEN,
        room: { ...OPEN, members: true, joinLeave: true, leaveDelayMs: 300 },
        closed: {},
        short: { ...OPEN, historySize: 2 },
      },
    },
    env: { HALLEY_DRAIN_SECONDS: '1' },
    edgeEnv: {
      HALLEY_TRUST_CLIENT_IDS: '1',
      HALLEY_PING_INTERVAL_MS: String(PING_INTERVAL_MS),
      HALLEY_POLL_PRESENCE_MS: '500',
    },
  });
  const publish = async (channel: string, data: unknown) =>
    field(await stack.rest.publish(channel, data), 'id');

  /** The edge has as many connections; one that polls has none between two polls. */
  async function connected(count: number, edge = stack.edge()) {
    const isSo = async () => {
      const page = await (await fetch(`${edge.adminUrl}/metrics`)).text();
      return page.includes(`\nhalley_connections ${count}\n`);
    };
    await eventually(isSo, `${count} connections`);
  }

  async function open(name: string, options: SdkLinkOptions = {}, node = stack.edge().url) {
    const link = new SdkLink(name, node, options);
    await link.next('welcome');
    return link;
  }

  // What is closed leaves nothing.
  afterEach(() => connected(0));

  describe.each(TRANSPORTS)('%s', (name) => {
    test('welcome; subscribe; messages in order; unsubscribe', async () => {
      const channel = channelIn('open');
      const link = await open(name);
      expect(link.frames[0]).toMatchObject({ type: 'welcome', version: 1 });
      const subscribed = await link.subscribe(channel);
      expect(subscribed).toMatchObject({ type: 'subscribed', channel });
      expect(subscribed).not.toHaveProperty('replayed');
      expect(link.of('welcome').at(-1)?.edgeId).not.toBe('');
      for (const data of numbers(0, 20)) await publish(channel, data);
      await link.until(() => link.dataOf(channel).length === 20, 'all messages');
      expect(link.dataOf(channel)).toEqual(numbers(0, 20));
      expect(await link.request({ type: 'unsubscribe', channel })).toMatchObject({
        type: 'unsubscribed',
        channel,
      });
      const isVacant = async () =>
        (await stack.rest.get(`/channels/${channel}`)).text.includes('"subscribers":0');
      await eventually(isVacant, 'nobody holds the channel');
      link.close();
    });

    test('while messages flow, further subscribes lose nothing and repeat nothing', async () => {
      const channel = channelIn('open');
      const link = await open(name);
      await link.subscribe(channel);
      const flow = (async () => {
        for (const data of numbers(0, WHILE_FLOWING)) await publish(channel, data);
      })();
      const others = numbers(0, 5).map(() => channelIn('open'));
      for (const other of others) {
        expect(await link.subscribe(other)).toMatchObject({ type: 'subscribed', channel: other });
      }
      expect(await link.request({ type: 'unsubscribe', channel: others[0] })).toMatchObject({
        type: 'unsubscribed',
      });
      await flow;
      await link.until(() => link.dataOf(channel).length === WHILE_FLOWING, 'all messages');
      expect(link.dataOf(channel)).toEqual(numbers(0, WHILE_FLOWING));
      expect(link.of('gap')).toEqual([]);
      // In quiet times not even the layer above has anything to drop.
      const before = link.of('message').length;
      const last = channelIn('open');
      await link.subscribe(last);
      await publish(last, 'last');
      await link.until(() => link.dataOf(last).length === 1, 'the last channel');
      expect(link.of('message')).toHaveLength(before + 1);
      link.close();
    });

    test('many subscribes of one turn', async () => {
      const link = await open(name);
      const channels = numbers(0, 40).map(() => channelIn('open'));
      const answers = await Promise.all(channels.map((channel) => link.subscribe(channel)));
      expect(answers.map((answer) => 'channel' in answer && answer.channel)).toEqual(channels);
      await Promise.all(channels.map((channel) => publish(channel, channel)));
      await link.until(() => link.of('message').length === 40, 'all messages');
      link.close();
    });

    test('after resumes, last goes back, of each channel by its own number', async () => {
      const [a, b, c, d] = [
        channelIn('open'),
        channelIn('open'),
        channelIn('open'),
        channelIn('open'),
      ];
      const ids = await publishAll(stack.rest, { channel: a }, numbers(0, 10));
      for (const channel of [b, c, d]) await publishAll(stack.rest, { channel }, numbers(0, 10));
      const link = await open(name);
      const answers = await Promise.all([
        link.subscribe(a, { after: ids[4] }),
        link.subscribe(b, { last: 5 }),
        link.subscribe(c, { last: 2 }),
        link.subscribe(d),
      ]);
      expect(answers[0]).toMatchObject({ recovered: true, replayed: 5 });
      expect(answers[1]).toMatchObject({ replayed: 5 });
      expect(answers[2]).toMatchObject({ replayed: 2 });
      expect(answers[3]).not.toHaveProperty('replayed');
      await publish(d, 'now');
      await link.until(() => link.dataOf(d).length === 1, 'the live message');
      await link.until(() => link.of('message').length === 13, 'the replays');
      expect(link.dataOf(a)).toEqual(numbers(5, 10));
      expect(link.dataOf(b)).toEqual(numbers(5, 10));
      expect(link.dataOf(c)).toEqual([8, 9]);
      expect(link.dataOf(d)).toEqual(['now']);
      link.close();
    });

    test('a held channel is asked for anew: from before, from its end, and from here', async () => {
      const channel = channelIn('open');
      const ids = await publishAll(stack.rest, { channel }, numbers(0, 6));
      const link = await open(name);
      await link.subscribe(channel);
      const messages = () => link.of('message').map(({ data }) => data);
      expect(await link.subscribe(channel, { after: ids[1] })).toMatchObject({
        recovered: true,
        replayed: 4,
      });
      await link.until(() => messages().length === 4, 'the replay');
      expect(await link.subscribe(channel, { last: 2 })).toMatchObject({ replayed: 2 });
      await link.until(() => messages().length === 6, 'the second replay');
      expect(await link.subscribe(channel)).not.toHaveProperty('replayed');
      await publish(channel, 'live');
      await link.until(() => messages().length === 7, 'the live message');
      expect(messages()).toEqual([2, 3, 4, 5, 4, 5, 'live']);
      expect(link.of('gap')).toEqual([]);
      link.close();
    });

    test('a hole in the history is told', async () => {
      const channel = channelIn('short');
      const after = await publish(channel, 0);
      for (const data of numbers(1, 200)) await publish(channel, data);
      const link = await open(name, {}, stack.edge(1).url);
      expect(await link.subscribe(channel, { after })).toMatchObject({ recovered: false });
      await link.until(() => link.dataOf(channel).at(-1) === 199, 'what the history holds');
      link.close();
    });

    test('what is forbidden or wrong is refused, and the link goes on', async () => {
      const channel = channelIn('open');
      const link = await open(name);
      expect(await link.subscribe('closed:a')).toMatchObject({
        type: 'error',
        code: 'forbidden',
        channel: 'closed:a',
      });
      expect(await link.subscribe('a b')).toMatchObject({ type: 'error', code: 'bad-channel' });
      const { code } = (await link.subscribe(channel, { after: 'x' })) as { code?: string };
      expect(code).toMatch(/^bad-(position|cursor)$/);
      const answers = await Promise.all([link.subscribe(channel), link.subscribe('closed:b')]);
      expect(answers[0]).toMatchObject({ type: 'subscribed' });
      expect(answers[1]).toMatchObject({ type: 'error', code: 'forbidden', channel: 'closed:b' });
      await publish(channel, 'on');
      await link.until(() => link.dataOf(channel).length === 1, 'the message');
      expect(link.of('unsubscribed')).toEqual([]);
      link.close();
    });

    test('a token for one channel; its fault ends nothing', async () => {
      const link = await open(name, { client: 'gil' });
      const channel = channelIn('closed');
      const other = tokenFor('gil', { channel: 'closed:other' });
      expect(await link.subscribe(channel, { token: other })).toMatchObject({ code: 'bad-token' });
      const token = tokenFor('gil', { channel });
      expect(await link.subscribe(channel, { token })).toMatchObject({ type: 'subscribed' });
      expect(await link.subscribe(channel, { token: other })).toMatchObject({ code: 'bad-token' });
      await publish(channel, 'held');
      await link.until(() => link.dataOf(channel).length === 1, 'the message');
      link.close();
    });

    test('private messages, and queueAfter', async () => {
      const client = `ida-${name}`;
      const link = await open(name, { token: tokenFor(client) });
      expect(link.of('welcome')[0]).toMatchObject({ clientId: client, edgeId: expect.any(String) });
      await stack.rest.publishPrivate(client, 1);
      await link.until(() => link.privateData().length === 1, 'the first');
      const flow = (async () => {
        for (const data of numbers(2, 30)) await stack.rest.publishPrivate(client, data);
      })();
      for (let round = 0; round < 3; round += 1) await link.subscribe(channelIn('open'));
      await flow;
      await link.until(() => link.privateData().length === 29, 'all');
      expect(link.privateData()).toEqual(numbers(1, 30));
      const before = link.of('private').length;
      await link.subscribe(channelIn('open'));
      await stack.rest.publishPrivate(client, 30);
      await link.until(() => link.privateData().length === 30, 'one more');
      expect(link.of('private')).toHaveLength(before + 1);
      const queueAfter = link.of('private').find(({ data }) => data === 20)?.id ?? '';
      link.close();
      const again = await open(name, { token: tokenFor(client), queueAfter }, stack.edge(1).url);
      await again.until(() => again.privateData().length === 10, 'what follows');
      expect(again.privateData()).toEqual(numbers(21, 31));
      again.close();
    });

    test('publish, history, members', async () => {
      const channel = channelIn('room');
      const link = await open(name, { client: `jo-${name}` });
      expect(await link.subscribe(channel)).toMatchObject({ members: 1 });
      const data = { text: 'hello', list: [1, 2] };
      const fields = { channel, data, event: 'said', key: `k-${name}` };
      const published = await link.request({ type: 'publish', ...fields });
      expect(published).toMatchObject({ type: 'published', id: expect.any(String) });
      expect(await link.request({ type: 'publish', ...fields })).toMatchObject({ repeated: true });
      await link.until(() => link.of('message').length === 1, 'its own message');
      expect(link.of('message')[0]).toMatchObject({ data, event: 'said', clientId: `jo-${name}` });
      const refused = { type: 'publish', channel: 'closed:a', data: 1 };
      expect(await link.request(refused)).toMatchObject({ type: 'error', code: 'forbidden' });
      expect(await link.request({ type: 'history', channel })).toMatchObject({
        type: 'history',
        messages: [{ data }],
        more: false,
      });
      expect(await link.request({ type: 'members', channel })).toMatchObject({
        members: [{ clientId: `jo-${name}` }],
      });
      for (const number of numbers(0, 20)) {
        link.send({ type: 'publish', ref: `p${number}`, channel, data: number });
      }
      await link.until(() => link.dataOf(channel).length === 21, 'all of them');
      expect(link.dataOf(channel).slice(1)).toEqual(numbers(0, 20));
      link.close();
    });

    test('join and leave', async () => {
      const channel = channelIn('room');
      const link = await open(name, { client: 'kim' });
      await link.subscribe(channel);
      const other = await open(name, { client: 'lou' });
      await other.subscribe(channel);
      const isOf = (type: 'join' | 'leave') => () =>
        link.of(type).some((frame) => frame.clientId === 'lou');
      await link.until(isOf('join'), 'lou joins');
      await other.request({ type: 'unsubscribe', channel });
      await link.until(isOf('leave'), 'lou leaves');
      for (const one of [link, other]) one.close();
    });

    test('kicked: the subscription ends, the link goes on', async () => {
      const [channel, other] = [channelIn('open'), channelIn('open')];
      const client = `moe-${name}`;
      const link = await open(name, { client });
      await Promise.all([link.subscribe(channel), link.subscribe(other)]);
      // One that comes between two polls is not seen.
      await eventually(async () => {
        await stack.rest.delete(`/channels/${channel}/members/${client}`);
        return link.of('unsubscribed').length > 0;
      }, 'the kick is told');
      expect(link.of('unsubscribed')[0]).toMatchObject({ channel });
      await publish(channel, 'unheard');
      await publish(other, 'heard');
      await link.until(() => link.dataOf(other).length === 1, 'the other channel');
      expect(link.dataOf(channel)).toEqual([]);
      link.close();
    });

    test('a token that expires, or is none, ends the link with the advice to renew it', async () => {
      const short = await open(name, { token: tokenFor('ola', { ttlSeconds: 2 }) });
      const renew = { code: 'token-expired', advice: 'renew-token', isAnswer: true };
      expect(await short.end()).toMatchObject(renew);
      const old = tokenFor('ola', { ttlSeconds: 1 }, Date.now() - 60_000);
      expect(await new SdkLink(name, stack.edge().url, { token: old }).end()).toMatchObject(renew);
      const bad = new SdkLink(name, stack.edge().url, { token: 'no.to.ken' });
      expect(await bad.end()).toMatchObject({ code: 'bad-token', advice: 'renew-token' });
    });

    test('what the edge will never take ends the link for good', async () => {
      const bad = new SdkLink(name, stack.edge().url, { client: '\u0007' });
      expect(await bad.end()).toMatchObject({ code: 'bad-client', advice: 'stop', isAnswer: true });
      const client = `pia-${name}`;
      const link = await open(name, { client });
      let isOver = false;
      void link.ended.then(() => {
        isOver = true;
      });
      await eventually(async () => {
        await stack.rest.post(`/clients/${client}/disconnect`, {});
        return isOver;
      }, 'the link ends');
      expect(await link.end()).toMatchObject({ code: 'disconnected', advice: 'stop' });
    });

    test('a leaving edge: goodbye, then the end', async () => {
      const edge = await stack.fleet.addEdge();
      const link = await open(name, { client: 'quin' }, edge.url);
      await link.subscribe(channelIn('open'));
      await connected(1, edge);
      const exit = edge.terminate();
      expect(await link.next('goodbye')).toMatchObject({ code: 4201 });
      expect(await link.end()).toMatchObject({ advice: 'resume' });
      await exit;
    });

    test('no edge, and one that is gone: the network gives no code', async () => {
      const edge = await stack.fleet.addEdge();
      const link = await open(name, { client: 'rob' }, edge.url);
      await link.subscribe(channelIn('open'));
      await edge.kill();
      const lost = { advice: 'reconnect' };
      expect(await link.end()).toEqual(lost);
      expect(await new SdkLink(name, edge.url, { client: 'rob' }).end()).toEqual(lost);
      expect(await new SdkLink(name, edge.url).end()).toEqual(lost);
    });

    test('signs of life come by themselves or when asked for', async () => {
      const link = await open(name, { client: 'sue' });
      await link.subscribe(channelIn('open'));
      const signs = () => link.signs + link.of('pong').length;
      const before = signs();
      link.ping();
      await link.until(() => signs() > before, 'an answer to the ping');
      link.close();
    });

    test('close is silent, also under way', async () => {
      const channel = channelIn('open');
      const link = await open(name, { client: 'tom' });
      await link.subscribe(channel);
      link.send({ type: 'subscribe', ref: 'x', channel: channelIn('open') });
      link.send({ type: 'history', ref: 'y', channel });
      link.close();
      const early = new SdkLink(name, stack.edge().url);
      early.close();
      const witness = await open(name, { client: 'uwe' });
      await witness.subscribe(channel);
      await publish(channel, 1);
      await witness.until(() => witness.dataOf(channel).length === 1, 'the message');
      expect([link.late, early.late, early.frames.length]).toEqual([0, 0, 0]);
      witness.close();
      await connected(0);
    });
  });

  test('auth: a new token of the same client, none of another', async () => {
    const client = 'ned';
    const channel = channelIn('open');
    const link = await open('websocket', { token: tokenFor(client, { ttlSeconds: 60 }) });
    await link.subscribe(channel);
    const token = tokenFor(client, { ttlSeconds: 600 });
    expect(await link.request({ type: 'auth', token })).toMatchObject({
      type: 'authenticated',
      expiresAt: expect.any(Number),
    });
    const wrong = [tokenFor('somebody'), 'x.y.z'];
    for (const one of wrong) {
      expect(await link.request({ type: 'auth', token: one })).toMatchObject({
        type: 'error',
        code: 'bad-token',
      });
    }
    await publish(channel, 'still');
    await stack.rest.publishPrivate(client, 'there');
    await link.until(() => link.dataOf(channel).length === 1, 'the message');
    await link.until(() => link.privateData().length === 1, 'the private message');
    link.close();
  });

  test('auth: rights that the new token lacks end', async () => {
    const client = 'nan';
    const channel = channelIn('closed');
    const link = await open('websocket', { token: tokenFor(client, { subscribe: [channel] }) });
    expect(await link.subscribe(channel)).toMatchObject({ type: 'subscribed' });
    await link.request({ type: 'auth', token: tokenFor(client) });
    expect(await link.next('unsubscribed')).toMatchObject({ channel, code: 'forbidden' });
    link.close();
  });

  describe.each(HTTP)('%s alone', (name) => {
    test('auth: a new token is for a new link', async () => {
      const link = await open(name, { token: tokenFor('ned') });
      link.send({ type: 'auth', ref: 1, token: tokenFor('ned') });
      expect(await link.end()).toEqual({ advice: 'resume' });
    });

    test('H-3 the nameless are welcome before they ask for anything', async () => {
      const channel = channelIn('open');
      const link = await open(name);
      expect(link.frames).toMatchObject([{ type: 'welcome', edgeId: expect.any(String) }]);
      await link.subscribe(channel);
      await link.request({ type: 'unsubscribe', channel });
      await link.subscribe(channel);
      await publish(channel, 1);
      await link.until(() => link.dataOf(channel).length === 1, 'the message');
      expect(link.of('welcome')).toHaveLength(1);
      link.close();
    });

    test('what is unsubscribed before it was asked for is not asked for', async () => {
      const [channel, other] = [channelIn('open'), channelIn('open')];
      const link = await open(name);
      link.send(
        { type: 'subscribe', ref: 'x', channel },
        { type: 'unsubscribe', ref: 'y', channel },
        { type: 'subscribe', ref: 'z', channel: other },
      );
      await link.until(() => link.of('subscribed').length === 1, 'the other channel');
      for (const one of [channel, other]) await publish(one, 1);
      await link.until(() => link.dataOf(other).length === 1, 'its message');
      expect(link.dataOf(channel)).toEqual([]);
      link.close();
    });

    test('H-2 no more channels than a URL may name', async () => {
      const link = await open(name);
      const channels = numbers(0, 65).map(() => channelIn('open'));
      const answers = await Promise.all(channels.map((channel) => link.subscribe(channel)));
      expect(answers.map(({ type }) => type)).toEqual([...Array(64).fill('subscribed'), 'error']);
      expect(answers[64]).toMatchObject({ code: 'too-many-channels', channel: channels[64] });
      link.close();
    });

    test('H-13 H-17 H-22 signs of life come while nothing happens', async () => {
      const link = await open(name, { client: 'vic' });
      await link.subscribe(channelIn('open'));
      const [welcome] = link.of('welcome');
      expect(welcome?.pingIntervalMs).toBeGreaterThan(PING_INTERVAL_MS);
      const before = link.signs;
      await link.until(() => link.signs >= before + 2, 'two signs of life');
      link.close();
    });

    test('calls whose node is gone are answered by the link itself', async () => {
      const edge = await stack.fleet.addEdge();
      const channel = channelIn('open');
      const broken = (async () => {
        throw new TypeError('fetch failed');
      }) as typeof fetch;
      let isGone = false;
      const link = await open(
        name,
        {
          client: 'wim',
          env: {
            fetch: (...args) =>
              (isGone && `${args[0]}`.includes('frames') ? broken : fetch)(...args),
          },
        },
        edge.url,
      );
      isGone = true;
      expect(await link.request({ type: 'publish', channel, data: 1 })).toMatchObject({
        code: 'outcome-unknown',
        retryAfterMs: 1_000,
      });
      expect(await link.request({ type: 'history', channel })).toMatchObject({
        code: 'unavailable',
        retryAfterMs: 1_000,
      });
      link.close();
      await edge.terminate();
    });

    test('a request that is never welcome ends the link', async () => {
      const edge = await stack.fleet.addEdge();
      const link = await open(name, { client: 'xia', welcomeMs: 500 }, edge.url);
      await link.subscribe(channelIn('open'));
      edge.pause();
      link.send({ type: 'subscribe', ref: 'x', channel: channelIn('open') });
      expect(await link.end()).toEqual({ code: 'deaf', advice: 'reconnect' });
      edge.resume();
      await edge.terminate();
    });
  });
});
