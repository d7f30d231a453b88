import { describe, expect, test } from 'vitest';
import { connect, type NativeClient, type OpenOptions } from '../kit/native-client.js';
import { field } from '../kit/rest.js';
import { claimsOf, tokenFor, useFleet } from '../kit/use-fleet.js';

const RULES = ['anyone', 'client', 'token', 'none'] as const;
type Rule = (typeof RULES)[number];

/** One namespace per rule, whose name is the rule. */
const namespaceOf = (rule: Rule) => ({
  subscribe: rule,
  publish: rule,
  history: rule,
  presence: rule,
  members: true,
});
const CONFIG = {
  namespaces: {
    ...Object.fromEntries(RULES.map((rule) => [rule, namespaceOf(rule)])),
    inbox: {},
  },
};

const LISTS = { subscribe: ['token:*'], publish: ['token:*'], presence: ['token:*'] };

/** Who asks, and under which rules it is allowed. */
const PEERS: readonly [name: string, allowed: readonly Rule[], options: () => OpenOptions][] = [
  ['a nameless connection', ['anyone'], () => ({})],
  ['a trusted name', ['anyone', 'client'], () => ({ client: 'ann' })],
  ['a token without lists', ['anyone', 'client'], () => ({ token: tokenFor('ann') })],
  ['a token with lists', ['anyone', 'client', 'token'], () => ({ token: tokenFor('ann', LISTS) })],
];

const ASKED = [
  { type: 'subscribe' },
  { type: 'publish', data: 1 },
  { type: 'history' },
  { type: 'members' },
] as const;

describe('rights on the native wire', () => {
  const stack = useFleet({ config: CONFIG });

  async function isAllowed(client: NativeClient, frame: object): Promise<boolean> {
    const answer = await client.request({ ...frame });
    if (answer.type !== 'error') return true;
    expect(answer.code).toBe('forbidden');
    return false;
  }

  for (const [name, allowed, options] of PEERS) {
    test.each(ASKED)(`N-21, N-27, N-30, N-31 ${name} and $type by each rule`, async (frame) => {
      const client = await connect(stack.ws(), options());
      for (const rule of RULES) {
        const asked = { ...frame, channel: `${rule}:a` };
        expect([rule, await isAllowed(client, asked)]).toEqual([rule, allowed.includes(rule)]);
      }
    });
  }

  test('each list grants its own action: history goes by subscribe', async () => {
    const byList = {
      subscribe: ['subscribe', 'history'],
      publish: ['publish'],
      presence: ['members'],
    };
    for (const [list, actions] of Object.entries(byList)) {
      const client = await connect(stack.ws(), { token: tokenFor('ann', { [list]: ['token:*'] }) });
      for (const frame of ASKED) {
        const granted = await isAllowed(client, { ...frame, channel: 'token:a' });
        expect([list, frame.type, granted]).toEqual([
          list,
          frame.type,
          actions.includes(frame.type),
        ]);
      }
    }
  });

  test.each([
    ['inbox:{sub}', 'inbox:ann', true],
    ['inbox:{sub}', 'inbox:bob', false],
    ['inbox:{sub}', 'inbox:anna', false],
    ['inbox:{sub}:*', 'inbox:ann:news', true],
    ['inbox:a*', 'inbox:ann', true],
    ['inbox:*', 'token:a', false],
    ['inbox:a', 'inbox:a', true],
    ['inbox:a', 'inbox:ab', false],
    ['inbox:*a', 'inbox:xa', false],
    ['*', 'inbox:any', true],
  ])('N-21 the pattern %s and the channel %s of ann: %j', async (pattern, channel, allowed) => {
    const client = await connect(stack.ws(), { token: tokenFor('ann', { subscribe: [pattern] }) });
    expect(await isAllowed(client, { type: 'subscribe', channel })).toBe(allowed);
  });

  test('N-21 a name with other characters stands escaped for {sub}, and is no pattern', async () => {
    const subscribe = ['inbox:{sub}'];
    const client = await connect(stack.ws(), { token: tokenFor('a b*', { subscribe }) });
    expect(await isAllowed(client, { type: 'subscribe', channel: 'inbox:a~20b~2A' })).toBe(true);
    expect(await isAllowed(client, { type: 'subscribe', channel: 'inbox:a~20bc' })).toBe(false);
  });

  describe('N-23 a token in subscribe', () => {
    test('gives the right to its channel, its history and its members', async () => {
      const client = await connect(stack.ws());
      const token = tokenFor('ann', { channel: 'token:a' });
      await client.subscribe('token:a', { token });
      expect(await isAllowed(client, { type: 'history', channel: 'token:a' })).toBe(true);
      expect(await isAllowed(client, { type: 'members', channel: 'token:a' })).toBe(true);
      expect(await isAllowed(client, { type: 'publish', channel: 'token:a', data: 1 })).toBe(false);
      expect(await isAllowed(client, { type: 'subscribe', channel: 'token:b' })).toBe(false);
      await client.unsubscribe('token:a');
      expect(await isAllowed(client, { type: 'subscribe', channel: 'token:a' })).toBe(false);
    });

    test.each([
      ['for another channel', () => tokenFor('ann', { channel: 'token:b' }), 'bad-token'],
      ['for no channel', () => tokenFor('ann', LISTS), 'bad-token'],
      ['of another client', () => tokenFor('bob', { channel: 'token:a' }), 'bad-token'],
      ['that is none', () => 'x.y.z', 'bad-token'],
      [
        'that expired',
        () => tokenFor('ann', { channel: 'token:a', ttlSeconds: 1 }, Date.now() - 60_000),
        'token-expired',
      ],
    ])('%s is refused', async (_, makeToken, code) => {
      const client = await connect(stack.ws(), { token: tokenFor('ann') });
      const asked = { type: 'subscribe', channel: 'token:a', token: makeToken() };
      expect(await client.request(asked)).toMatchObject({ code, channel: 'token:a' });
    });

    test('does not open what is closed to all', async () => {
      const client = await connect(stack.ws());
      const token = tokenFor('ann', { channel: 'none:a' });
      const refused = await client.request({ type: 'subscribe', channel: 'none:a', token });
      expect(refused).toMatchObject({ code: 'forbidden' });
    });

    test('that was revoked is refused', async () => {
      const token = tokenFor('ann', { channel: 'token:a' });
      await stack.rest.delete(`/tokens/${String(claimsOf(token)['jti'])}`);
      const client = await connect(stack.ws());
      const refused = await client.request({ type: 'subscribe', channel: 'token:a', token });
      expect(refused).toMatchObject({ code: 'token-revoked' });
    });

    test('ends the subscription when it expires, and not the connection', async () => {
      const client = await connect(stack.ws());
      const token = tokenFor('ann', { channel: 'token:a', ttlSeconds: 1 });
      await client.subscribe('token:a', { token });
      expect(await client.next('unsubscribed')).toEqual({
        type: 'unsubscribed',
        channel: 'token:a',
        code: 'token-expired',
      });
      expect(await isAllowed(client, { type: 'history', channel: 'token:a' })).toBe(false);
    });

    test('ends the subscription when it is revoked, and not the connection', async () => {
      const client = await connect(stack.ws());
      const token = tokenFor('ann', { channel: 'token:a' });
      await client.subscribe('token:a', { token });
      await stack.rest.delete(`/tokens/${String(claimsOf(token)['jti'])}`);
      expect(await client.next('unsubscribed')).toEqual({
        type: 'unsubscribed',
        channel: 'token:a',
        code: 'token-revoked',
      });
      expect(await isAllowed(client, { type: 'history', channel: 'token:a' })).toBe(false);
    });

    test('does not end what the identity may do by itself', async () => {
      const client = await connect(stack.ws(), { token: tokenFor('ann', LISTS) });
      const short = tokenFor('ann', { channel: 'token:a', ttlSeconds: 1 });
      const marker = tokenFor('ann', { channel: 'inbox:mark', ttlSeconds: 1 });
      await client.subscribe('token:a', { token: short });
      await client.subscribe('inbox:mark', { token: marker });
      await client.next('unsubscribed', ({ channel }) => channel === 'inbox:mark');
      const { id } = await client.publish('token:a', 'still here');
      const [message] = await client.waitForMessages('token:a', 1);
      expect(message?.id).toBe(id);
    });

    test('outlives the renewal of the token of the connection', async () => {
      const client = await connect(stack.ws(), { token: tokenFor('ann') });
      await client.subscribe('token:a', { token: tokenFor('ann', { channel: 'token:a' }) });
      await client.ask({ type: 'auth', token: tokenFor('ann') }, 'authenticated');
      const id = field(await stack.rest.publish('token:a', 1), 'id');
      expect((await client.waitForMessages('token:a', 1))[0]?.id).toBe(id);
      expect(client.of('unsubscribed')).toEqual([]);
    });
  });
});
