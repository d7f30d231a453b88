import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Closed, connect, type OpenOptions, open } from '../kit/native-client.js';
import { claimsOf, TOKEN_SECRET, tokenFor, useFleet } from '../kit/use-fleet.js';
import { within } from '../kit/wait.js';

const HASHES = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const;
const HOUR_SECONDS = 3_600;

const nowSeconds = () => Math.floor(Date.now() / 1_000);

/** A token of any content under an HMAC, whatever its header says. */
function forge(
  header: object,
  payload: object,
  secret: string = TOKEN_SECRET,
  hash: string = HASHES.HS256,
): string {
  const parts = [header, payload].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signed = parts.join('.');
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

const valid = () => ({ sub: 'ann', exp: nowSeconds() + HOUR_SECONDS });

describe('tokens at the door of the native wire', () => {
  const stack = useFleet();

  /** How the edge closes a connection that it does not let in. */
  async function closedAtDoor(options: OpenOptions): Promise<Closed> {
    const client = await open(stack.ws(), options);
    const closed = await within(client.closed, 'the edge closes the connection');
    expect(client.frames).toEqual([]);
    return closed;
  }

  test.each(Object.entries(HASHES))('N-2 a token under %s is taken', async (alg, hash) => {
    const token = forge({ alg }, valid(), TOKEN_SECRET, hash);
    const client = await connect(stack.ws(), { token });
    expect(await client.welcomed()).toMatchObject({ clientId: 'ann' });
  });

  test('N-2 a token may come by the query, by Authorization, or by a subprotocol', async () => {
    const headers = { authorization: `Bearer ${tokenFor('by-header')}` };
    const subprotocols = ['halley.v1', `bearer.${tokenFor('by-subprotocol')}`];
    const nameOf = async (options: OpenOptions) =>
      (await (await connect(stack.ws(), options)).welcomed()).clientId;
    expect(await nameOf({ headers })).toBe('by-header');
    expect(await nameOf({ subprotocols })).toBe('by-subprotocol');
    expect(await nameOf({ headers, subprotocols })).toBe('by-header');
    const token = tokenFor('by-query');
    expect(await nameOf({ token, headers, subprotocols })).toBe('by-query');
    expect(await nameOf({ token, client: 'somebody' })).toBe('by-query');
  });

  test('N-3 halley.v1 is selected where it is offered, bearer never', async () => {
    const offered = [`bearer.${tokenFor('ann')}`, 'halley.v1'];
    const client = await connect(stack.ws(), { subprotocols: offered });
    expect(client.socket.protocol).toBe('halley.v1');
    expect((await connect(stack.ws())).socket.protocol).toBe('');
    const refused = await open(stack.ws(), { subprotocols: ['halley.v1', 'bearer.x'] });
    expect(refused.socket.protocol).toBe('halley.v1');
    expect(await refused.closed).toMatchObject({ code: 4301 });
  });

  test('N-4, N-5 an expired token is closed with 4300', async () => {
    const token = tokenFor('ann', { ttlSeconds: 10 }, Date.now() - 60_000);
    const { code, reason } = await closedAtDoor({ token });
    expect(code).toBe(4300);
    expect(reason).toMatch(/^token-expired: /);
  });

  test.each([
    ['no token at all', () => ''],
    ['text', () => 'not.a.token'],
    ['a wrong secret', () => forge({ alg: 'HS256' }, valid(), 'other-secret')],
    ['alg none', () => forge({ alg: 'none' }, valid())],
    ['alg none without signature', () => forge({ alg: 'none' }, valid()).replace(/[^.]+$/, '')],
    ['an algorithm without a key', () => forge({ alg: 'RS256' }, valid())],
    ['a header of another hash', () => forge({ alg: 'HS512' }, valid())],
    ['a critical extension', () => forge({ alg: 'HS256', crit: ['x'] }, valid())],
    ['exp too far ahead', () => tokenFor('ann', { ttlSeconds: 25 * HOUR_SECONDS })],
    ['no exp', () => forge({ alg: 'HS256' }, { sub: 'ann' })],
    ['exp as text', () => forge({ alg: 'HS256' }, { ...valid(), exp: '1' })],
    ['nbf in the future', () => forge({ alg: 'HS256' }, { ...valid(), nbf: nowSeconds() + 300 })],
    ['no sub', () => forge({ alg: 'HS256' }, { exp: valid().exp })],
    ['a sub that is no client name', () => forge({ alg: 'HS256' }, { ...valid(), sub: 'a\u0000' })],
    ['a list that is none', () => forge({ alg: 'HS256' }, { ...valid(), subscribe: 'demo:*' })],
    [
      'more than 8,192 bytes',
      () => forge({ alg: 'HS256' }, { ...valid(), pad: 'x'.repeat(8_192) }),
    ],
  ])('N-5 a token with %s is closed with 4301', async (_, makeToken) => {
    const { code, reason } = await closedAtDoor({ token: makeToken() });
    expect(code).toBe(4301);
    expect(reason).toMatch(/^bad-token: /);
  });

  test('N-5 a signature that was tampered with is closed with 4301', async () => {
    const [header, , signature] = tokenFor('ann').split('.');
    const [, payload] = tokenFor('bob').split('.');
    const token = [header, payload, signature].join('.');
    expect(await closedAtDoor({ token })).toMatchObject({ code: 4301 });
  });

  test.each(['', 'a\u0000b', 'x'.repeat(201)])(
    'N-6 client=%j is closed with 4002',
    async (client) => {
      const { code, reason } = await closedAtDoor({ client });
      expect(code).toBe(4002);
      expect(reason).toMatch(/^bad-client: /);
    },
  );

  test('N-8 a queueAfter that is no position is closed with 4004', async () => {
    const { code, reason } = await closedAtDoor({ client: 'ann', queueAfter: 'yesterday' });
    expect(code).toBe(4004);
    expect(reason).toMatch(/^bad-position: /);
  });

  test('N-36 a token that is revoked ends its connection with 4302, and lets nobody in', async () => {
    const token = tokenFor('ann');
    const revoked = await connect(stack.ws(), { token });
    const other = await connect(stack.ws(), { token: tokenFor('ann') });
    const jti = String(claimsOf(token)['jti']);
    expect(await stack.rest.delete(`/tokens/${jti}`)).toMatchObject({ status: 200 });
    const closed = await within(revoked.closed, 'the revoked connection ends', 10_000);
    expect(closed).toMatchObject({ code: 4302 });
    const { code, reason } = await closedAtDoor({ token });
    expect(code).toBe(4302);
    expect(reason).toMatch(/^token-revoked: /);
    await other.request({ type: 'subscribe', channel: 'demo:a' });
  });

  test('N-36 revoking a client ends its connections; a token issued later is taken', async () => {
    const token = tokenFor('eve');
    const client = await connect(stack.ws(), { token });
    const answer = await stack.rest.post('/clients/eve/revoke', {});
    expect(answer.status).toBe(200);
    expect(await within(client.closed, 'the connection ends')).toMatchObject({ code: 4302 });
    expect(await closedAtDoor({ token })).toMatchObject({ code: 4302 });
    const { issuedBefore } = answer.body as { issuedBefore: number };
    const later = tokenFor('eve', {}, issuedBefore * 1_000);
    await connect(stack.ws(), { token: later });
  });

  test('N-36 at the exp of its token a connection is closed with 4300', async () => {
    const client = await connect(stack.ws(), { token: tokenFor('ann', { ttlSeconds: 1 }) });
    const closed = await within(client.closed, 'the token expires', 10_000);
    expect(closed).toEqual({ code: 4300, reason: 'token-expired' });
  });

  test('N-4 a token in its leeway is taken, and holds to the end of it', async () => {
    const almostOver = tokenFor('ann', { ttlSeconds: 1 }, Date.now() - 29_000);
    const client = await connect(stack.ws(), { token: almostOver });
    expect(await within(client.closed, 'the leeway ends', 10_000)).toMatchObject({ code: 4300 });
  });

  test('N-35 a renewed token keeps the connection beyond the first', async () => {
    const first = tokenFor('ann', { ttlSeconds: 2 });
    const client = await connect(stack.ws(), { token: first });
    const next = tokenFor('ann', { ttlSeconds: 4 });
    const answer = await client.ask({ type: 'auth', token: next }, 'authenticated');
    expect(answer.expiresAt).toBe(Number(claimsOf(next)['exp']) * 1_000);
    expect(await within(client.closed, 'the second expires', 20_000)).toMatchObject({ code: 4300 });
    expect(Date.now()).toBeGreaterThanOrEqual(answer.expiresAt);
  });

  test.each([
    ['of another client', () => tokenFor('bob'), 'bad-token'],
    ['that is none', () => 'x', 'bad-token'],
    [
      'that expired',
      () => tokenFor('ann', { ttlSeconds: 1 }, Date.now() - 60_000),
      'token-expired',
    ],
  ])('N-35 a token %s is refused, and the identity stays', async (_, makeToken, code) => {
    const client = await connect(stack.ws(), { token: tokenFor('ann', { subscribe: ['own:a'] }) });
    await client.subscribe('own:a');
    expect(await client.request({ type: 'auth', token: makeToken() })).toMatchObject({ code });
    await client.unsubscribe('own:a');
    await client.subscribe('own:a');
  });

  test('N-35 a revoked token is refused', async () => {
    const token = tokenFor('ann');
    await stack.rest.delete(`/tokens/${String(claimsOf(token)['jti'])}`);
    const client = await connect(stack.ws(), { token: tokenFor('ann') });
    const refused = await client.request({ type: 'auth', token });
    expect(refused).toMatchObject({ code: 'token-revoked' });
  });

  test('N-35 rights that the new token lacks end by unsubscribed forbidden', async () => {
    const wide = tokenFor('ann', { subscribe: ['own:*'] });
    const client = await connect(stack.ws(), { token: wide });
    await client.subscribe('own:a');
    await client.subscribe('own:b');
    const narrow = tokenFor('ann', { subscribe: ['own:b'] });
    await client.ask({ type: 'auth', token: narrow }, 'authenticated');
    const ended = await client.next('unsubscribed');
    expect(ended).toEqual({ type: 'unsubscribed', channel: 'own:a', code: 'forbidden' });
    await stack.rest.publish('own:a', 1);
    await stack.rest.publish('own:b', 2);
    await client.waitForMessages('own:b', 1);
    expect(client.messages('own:a')).toEqual([]);
    const refused = await client.request({ type: 'subscribe', channel: 'own:a' });
    expect(refused).toMatchObject({ code: 'forbidden' });
  });

  test('N-35 a subscribe under way does not keep a right that the new token lacks', async () => {
    const wide = tokenFor('ann', { subscribe: ['own:*'] });
    const client = await connect(stack.ws(), { token: wide });
    await client.subscribe('own:held');
    const narrow = tokenFor('ann', { subscribe: ['own:other'] });
    client.send([
      { type: 'subscribe', ref: 'new', channel: 'own:new' },
      { type: 'subscribe', ref: 'held', channel: 'own:held', last: 1 },
      { type: 'auth', ref: 'auth', token: narrow },
    ]);
    for (const ref of ['new', 'held']) {
      const answer = await client.waitFor((frame) => 'ref' in frame && frame.ref === ref);
      expect(answer.type).toBe('error');
    }
    await client.subscribe('demo:mark');
    for (const channel of ['own:new', 'own:held', 'demo:mark'])
      await stack.rest.publish(channel, 1);
    await client.waitForMessages('demo:mark', 1);
    expect(client.of('message')).toHaveLength(1);
  });
});
