/** Rights that the backend of a namespace decides about. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer, DecidingBackend, isSigned, type Verdict } from '../kit/deciding-backend.js';
import { ask, httpUrl, openPush, PushRefused, poll } from '../kit/http-wires.js';
import { connect } from '../kit/native-client.js';

import { FleetUnderTest, tokenFor } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

const SECRET = 'what only the backend and Halley know';
const TIMEOUT_MS = 400;
const MAX_CALLS = 2;
const MAX_WAITING = 3;
const ORIGIN = 'https://app.example';
const PATH = '/rights?of=room';
const YES = { allow: true, seconds: 600 };

describe('authorizeUrl', () => {
  const backend = new DecidingBackend();
  let system: FleetUnderTest;
  let names = 0;
  const newChannel = (namespace = 'room') => {
    names += 1;
    return `${namespace}:r${names}`;
  };
  /** What the backend says about each channel; nothing said is a no. */
  const verdicts = new Map<string, Verdict>();
  const channelWith = (verdict: Verdict, namespace?: string) => {
    const channel = newChannel(namespace);
    verdicts.set(channel, verdict);
    return channel;
  };

  beforeAll(async () => {
    await backend.start();
    backend.decide = ({ channel }) => verdicts.get(channel) ?? { allow: false };
    const authorizeUrl = `http://127.0.0.1:${backend.port}${PATH}`;
    system = new FleetUnderTest({
      config: {
        namespaces: {
          room: { authorizeUrl, members: true, icomet: true },
          shut: { authorizeUrl, subscribe: 'none' },
          metadata: { authorizeUrl: 'http://localhost.invalid/' },
        },
      },
      env: {
        HALLEY_AUTHORIZE_SECRET: SECRET,
        HALLEY_AUTHORIZE_TIMEOUT_MS: String(TIMEOUT_MS),
        HALLEY_AUTHORIZE_MAX_CALLS: String(MAX_CALLS),
        HALLEY_AUTHORIZE_MAX_WAITING: String(MAX_WAITING),
        HALLEY_AUTHORIZE_GRACE_SECONDS: '2',
        HALLEY_ORIGINS: ORIGIN,
        HALLEY_REVOKED_RELOAD_MS: '200',
      },
    });
    await system.start();
  });
  afterAll(async () => {
    await system.stop();
    await backend.stop();
  });
  beforeEach(() => {
    backend.mostUnderWay = 0;
  });

  const subscribe = async (channel: string, options: Parameters<typeof connect>[1] = {}) => {
    const client = await connect(system.ws(), options);
    return { client, answer: await client.request({ type: 'subscribe', channel }) };
  };

  test('a question says who wants what and from where, and is signed', async () => {
    const channel = channelWith(YES);
    const headers = { Cookie: 'sid=7; theme=dark' };
    const { answer } = await subscribe(channel, { client: 'ann', origin: ORIGIN, headers });
    expect(answer.type).toBe('subscribed');
    const [asked, ...others] = backend.about(channel);
    expect(others).toEqual([]);
    expect(asked?.question).toEqual({
      action: 'subscribe',
      clientId: 'ann',
      channel,
      origin: ORIGIN,
      cookie: headers.Cookie,
    });
    expect(asked?.url).toBe(PATH);
    expect(asked && isSigned(asked, SECRET)).toBe(true);
    expect(asked && isSigned({ ...asked, body: `${asked.body} ` }, SECRET)).toBe(false);
    const sent = JSON.stringify(asked?.headers);
    for (const input of [channel, 'ann', 'sid=7', ORIGIN]) expect(sent).not.toContain(input);
  });

  test('not asked where a token or a rule decides', async () => {
    const channel = channelWith({ allow: false });
    const token = tokenFor('ann', { subscribe: [channel] });
    expect((await subscribe(channel, { token })).answer.type).toBe('subscribed');
    const shut = channelWith(YES, 'shut');
    expect((await subscribe(shut)).answer).toMatchObject({ code: 'forbidden' });
    expect([...backend.about(channel), ...backend.about(shut)]).toEqual([]);
  });

  test('a no is forbidden, on every wire, and asked about once', async () => {
    const channel = newChannel();
    const { answer } = await subscribe(channel);
    expect(answer).toMatchObject({ type: 'error', code: 'forbidden', channel });
    for (const path of ['/v1/sse', '/v1/stream']) {
      const push = await openPush(httpUrl(system.ws(), path, { channel }));
      expect(await push.next('error')).toMatchObject({ code: 'forbidden', channel });
      push.close();
    }
    const { frames } = await poll(httpUrl(system.ws(), '/v1/poll', { channel, wait: 0 }));
    expect(frames).toContainEqual(expect.objectContaining({ type: 'error', code: 'forbidden' }));
    const icomet = await ask(httpUrl(system.ws(), '/icomet/sub', { cname: channel }));
    expect(icomet.text).toContain('"401"');
    expect(await dpsFrames(channel)).toContain('forbidden');
    expect(backend.about(channel)).toHaveLength(1);
  });

  test('a yes lets in on every wire', async () => {
    const channel = channelWith(YES);
    for (const path of ['/v1/sse', '/v1/stream']) {
      const push = await openPush(httpUrl(system.ws(), path, { channel }));
      await push.next('subscribed');
      push.close();
    }
    const { frames } = await poll(httpUrl(system.ws(), '/v1/poll', { channel, wait: 0 }));
    expect(frames.map(({ type }) => type)).toContain('subscribed');
    const icomet = await ask(httpUrl(system.ws(), '/icomet/sub', { cname: channel }));
    expect(icomet.text).toContain('next_seq');
    await system.rest.publish(channel, 'for dps');
    expect(await dpsFrames(channel)).toContain('for dps');
    expect(backend.about(channel)).toHaveLength(1);
  });

  /** What a poll of DPS is answered, or an error. */
  async function dpsFrames(channel: string): Promise<string> {
    names += 1;
    const query = { session: `s${names}`, channel, seq: 0, channels: channel };
    const { text } = await ask(httpUrl(system.ws(), '/dps/poll', query), { method: 'POST' });
    return text;
  }

  test('a subscriber may read history and members, and others are asked about', async () => {
    const channel = channelWith(YES);
    const { client } = await subscribe(channel, { client: 'ann' });
    await client.ask({ type: 'history', channel }, 'history');
    await client.ask({ type: 'members', channel }, 'members');
    expect(backend.about(channel).map(({ question }) => question.action)).toEqual(['subscribe']);
    await client.publish(channel, 1);
    const other = await connect(system.ws(), { client: 'bob' });
    await other.ask({ type: 'history', channel }, 'history');
    await other.ask({ type: 'members', channel }, 'members');
    expect(backend.about(channel).map(({ question }) => question.action)).toEqual([
      'subscribe',
      'publish',
      'history',
      'presence',
    ]);
  });

  test('info is what the other members see', async () => {
    const channel = channelWith({ ...YES, info: { name: 'Ann' } });
    const { client } = await subscribe(channel, { client: 'ann' });
    const { members } = await client.ask({ type: 'members', channel }, 'members');
    expect(members).toEqual([{ clientId: 'ann', info: { name: 'Ann' } }]);
  });

  test('the same question is asked once, however many ask at once', async () => {
    const channel = channelWith(YES);
    const all = await Promise.all(Array.from({ length: 20 }, () => subscribe(channel)));
    expect(all.map(({ answer }) => answer.type)).toEqual(all.map(() => 'subscribed'));
    expect(backend.about(channel)).toHaveLength(1);
  });

  const never = () => undefined;
  test.each<[string, Verdict]>([
    ['silence', never],
    ['500', (response) => answer(response, 500, '{"allow":true}')],
    ['a redirect', (response) => response.writeHead(302, { Location: '/elsewhere' }).end()],
    ['no JSON', (response) => answer(response, 200, 'yes')],
    ['another type', (response) => response.writeHead(200).end('{"allow":true}')],
    ['a text for a flag', { allow: 'yes' }],
    ['a time that is none', { allow: true, seconds: 'long' }],
    ['a list', []],
    ['too many bytes', { allow: true, pad: 'x'.repeat(20_000) }],
    ['too long an info', { allow: true, info: 'x'.repeat(2_000) }],
    ['a cut connection', (response) => response.destroy()],
  ])('%s is no answer: refused for now', async (_, verdict) => {
    const channel = channelWith(verdict);
    const { client, answer } = await subscribe(channel);
    expect(answer).toMatchObject({ code: 'authorizer-unavailable', channel });
    expect('retryAfterMs' in answer && answer.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(backend.asked.filter(({ url }) => url !== PATH)).toEqual([]);
    verdicts.set(channel, YES);
    await client.subscribe(channel);
  });

  test('so many calls at a time, so many wait, more are refused at once', async () => {
    const channels = Array.from({ length: MAX_CALLS + MAX_WAITING + 4 }, () => channelWith(never));
    const client = await connect(system.ws());
    const answers = channels.map((channel) => client.request({ type: 'subscribe', channel }));
    const first = await Promise.race(answers);
    expect(first).toMatchObject({ code: 'authorizer-unavailable' });
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ code: 'authorizer-unavailable' });
    }
    expect(backend.mostUnderWay).toBeLessThanOrEqual(MAX_CALLS);
    // Neither a turn nor a place is lost by all that.
    await client.subscribe(channelWith(YES));
  });

  test('after its seconds it is asked again, and its no ends the subscription', async () => {
    const short = { allow: true, seconds: 1 };
    const failing: Verdict = (response) => answer(response, 503, '');
    const taken = channelWith(short);
    const silent = channelWith(short);
    const back = channelWith(short);
    const { client } = await subscribe(taken, { client: 'ann' });
    await client.subscribe(silent);
    await client.subscribe(back);
    verdicts.set(taken, { allow: false });
    verdicts.set(silent, failing);
    verdicts.set(back, failing);
    const ended = client.next('unsubscribed', ({ channel }) => channel === taken);
    expect(await ended).toMatchObject({ code: 'forbidden' });
    await eventually(() => backend.about(back).length >= 2, 'it is asked in vain');
    verdicts.set(back, YES);
    await eventually(() => backend.about(back).length >= 3, 'it is asked once more');
    // Without any answer it ends after the grace.
    const forgotten = client.next('unsubscribed', ({ channel }) => channel === silent);
    expect(await forgotten).toMatchObject({ code: 'authorizer-unavailable' });
    expect(backend.about(silent).length).toBeGreaterThan(2);
    expect(client.of('unsubscribed').map(({ channel }) => channel)).toEqual([taken, silent]);
  });

  test('kick, ban and revocation hold against its yes', async () => {
    const channel = channelWith(YES);
    const token = tokenFor('eve');
    const { client } = await subscribe(channel, { token });
    await system.rest.delete(`/channels/${channel}/members/eve`, { seconds: 600 });
    expect(await client.next('unsubscribed')).toMatchObject({ channel, code: 'kicked' });
    expect(await client.request({ type: 'subscribe', channel })).toMatchObject({ code: 'banned' });
    await system.rest.post('/clients/eve/revoke', {});
    expect((await client.closed).code).toBe(4302);
  });

  test('the cookie of a foreign page is not passed on', async () => {
    const channel = channelWith(YES);
    const headers = { Cookie: 'sid=7' };
    for (const site of ['cross-site', 'same-site', 'none', '']) {
      const shown = site === '' ? headers : { ...headers, 'Sec-Fetch-Site': site };
      const url = httpUrl(system.ws(), '/v1/poll', { channel, wait: 0 });
      expect((await ask(url, { headers: shown })).status).toBe(200);
    }
    expect(backend.about(channel).map(({ question }) => question.cookie)).toEqual([null]);
    const own = { ...headers, 'Sec-Fetch-Site': 'same-origin' };
    await ask(httpUrl(system.ws(), '/v1/poll', { channel, wait: 0 }), { headers: own });
    expect(backend.about(channel).at(-1)?.question.cookie).toBe('sid=7');
  });

  test('a name that does not resolve is no answer', async () => {
    const { answer } = await subscribe('metadata:a');
    expect(answer).toMatchObject({ code: 'authorizer-unavailable' });
  });

  test('without it, who can get nothing is refused by a status', async () => {
    const refused = openPush(httpUrl(system.ws(), '/v1/sse', { channel: 'closed:a' }));
    await expect(refused).rejects.toThrow(PushRefused);
  });
});
