/** Tokens: what is taken, and every way in that an attacker may try. */

import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createTokenVerifier,
  isTokenRefusal,
  parseTokenKeys,
  signToken,
  TOKEN_CACHE_MAX_MS,
  TokenCache,
  type TokenKeys,
  type TokenSettings,
} from '@halley/shared/auth';
import { afterEach, describe, expect, test } from 'vitest';

const SECRET = 'a secret of more than thirty-two bytes';
const NOW_SECONDS = 1_800_000_000;
const NOW_MS = NOW_SECONDS * 1_000;
const VALID = { sub: 'alice', exp: NOW_SECONDS + 60 };
const HASHES = new Map([
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
]);

function settingsOf(rest: Partial<TokenSettings> = { secret: SECRET }): TokenSettings {
  return { maxSeconds: 86_400, revokedReloadMs: 30_000, ...rest };
}

const verifier = createTokenVerifier(settingsOf());

function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  );
}

/** A token of any header and payload, given as values or as JSON text. */
function hmacToken(payload: unknown, header: unknown = { alg: 'HS256' }, secret = SECRET): string {
  const signed = `${part(header)}.${part(payload)}`;
  const alg =
    typeof header === 'object' && header !== null && 'alg' in header ? header.alg : 'HS256';
  const hash = HASHES.get(String(alg)) ?? 'sha256';
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}

function publicToken(payload: unknown, alg: string, key: KeyObject, kid?: string): string {
  const signed = `${part({ alg, kid })}.${part(payload)}`;
  const hash = alg === 'EdDSA' ? null : 'sha256';
  const signature = sign(hash, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function verify(token: string, nowMs = NOW_MS) {
  const result = verifier.verify(token, nowMs);
  if (result instanceof Promise) throw new Error('an HMAC token is verified at once');
  return result;
}

describe('an HMAC token', () => {
  test.each(['HS256', 'HS384', 'HS512'])('of %s is verified at once', (alg) => {
    const expected = { clientId: 'alice', expiresAtSeconds: VALID.exp };
    expect(verify(hmacToken(VALID, { alg, typ: 'JWT' }))).toEqual(expected);
  });

  test('gives all its claims', () => {
    const token = hmacToken({
      ...VALID,
      jti: 'j1',
      iat: NOW_SECONDS,
      nbf: NOW_SECONDS,
      subscribe: ['room:*', 'inbox:{sub}'],
      publish: ['room:1'],
      presence: ['room:1'],
      channel: 'room:1',
      info: { name: 'Al ice' },
      foreign: [{}],
    });
    expect(verify(token)).toEqual({
      clientId: 'alice',
      expiresAtSeconds: VALID.exp,
      jti: 'j1',
      issuedAtSeconds: NOW_SECONDS,
      subscribe: ['room:*', 'inbox:{sub}'],
      publish: ['room:1'],
      presence: ['room:1'],
      channel: 'room:1',
      info: '{"name":"Al ice"}',
    });
  });

  test('shares equal lists between tokens, and an empty list is absent', () => {
    const [a, b] = ['alice', 'bob'].map((sub) =>
      verify(hmacToken({ ...VALID, sub, subscribe: ['room:*'], publish: [] })),
    );
    if (a === undefined || b === undefined || isTokenRefusal(a) || isTokenRefusal(b)) {
      throw new Error('both are valid');
    }
    expect(a.subscribe).toBe(b.subscribe);
    expect(a).not.toHaveProperty('publish');
  });

  test.each([
    ['spaces go', '{ "a" : [ 1 , "b  \\" c" ] }', '{"a":[1,"b  \\" c"]}'],
    ['big numbers stay', '1234567890123456789', '1234567890123456789'],
    ['a text', '"\\u0041 b"', '"\\u0041 b"'],
    ['null', 'null', 'null'],
    ['1024 bytes', `"${'x'.repeat(1_022)}"`, `"${'x'.repeat(1_022)}"`],
  ])('info: %s', (_, info, expected) => {
    const payload = `{"sub":"alice","exp":${VALID.exp},"info": ${info} }`;
    expect(verify(hmacToken(payload))).toMatchObject({ info: expected });
  });

  test.each([
    ['the secret of somebody else', hmacToken(VALID, { alg: 'HS256' }, 'other')],
    ['an empty secret', hmacToken(VALID, { alg: 'HS256' }, '')],
    ['no signature', hmacToken(VALID).replace(/[^.]*$/, '')],
    ['a cut signature', hmacToken(VALID).slice(0, -1)],
    ['a longer signature', `${hmacToken(VALID)}A`],
    ['another payload', swapPayload(hmacToken(VALID), { ...VALID, sub: 'root' })],
    ['the header of another hash', swapHeader(hmacToken(VALID), { alg: 'HS512' })],
    ['alg none', `${part({ alg: 'none' })}.${part(VALID)}.`],
    ['alg none with a signature', swapHeader(hmacToken(VALID), { alg: 'none' })],
    ['alg NONE', hmacToken(VALID, { alg: 'NONE' })],
    ['alg hs256', hmacToken(VALID, { alg: 'hs256' })],
    ['alg of the prototype', hmacToken(VALID, { alg: 'constructor' })],
    ['no alg', hmacToken(VALID, {})],
    ['alg as a list', hmacToken(VALID, { alg: ['HS256'] })],
    ['alg none behind HS256', hmacToken(VALID, '{"alg":"HS256","alg":"none"}')],
    ['a critical extension', hmacToken(VALID, { alg: 'HS256', crit: ['b64'], b64: false })],
    ['a public-key algorithm without a key', hmacToken(VALID, { alg: 'RS256' })],
    ['a header that is no object', hmacToken(VALID, '"HS256"')],
    ['a header that is no JSON', hmacToken(VALID, '{"alg":"HS256"')],
    ['a payload that is no object', hmacToken('[1]')],
    ['a payload that is no JSON', hmacToken('{"sub":')],
    ['an empty text', ''],
    ['dots only', '..'],
    ['two parts', hmacToken(VALID).split('.').slice(0, 2).join('.')],
    ['four parts', `${hmacToken(VALID)}.AAAA`],
    ['base64 instead of base64url', hmacToken(VALID).replace(/.$/, '+')],
    ['padding', `${hmacToken(VALID)}=`],
    ['a space before', ` ${hmacToken(VALID)}`],
    ['a line end behind', `${hmacToken(VALID)}\n`],
    ['letters beyond ASCII', hmacToken(VALID).replace(/^./, '\u00e9')],
    ['9 KiB', hmacToken({ ...VALID, junk: 'x'.repeat(9_216) })],
  ])('with %s is bad', (_, token) => {
    expect(verify(token)).toMatchObject({ code: 'bad-token' });
  });

  test('is bad in any other spelling of its last character', () => {
    // 32 bytes leave two unused bits in the last of 43 characters: four spellings of one signature.
    const token = hmacToken(VALID);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const taken = [...alphabet].filter(
      (last) => !isTokenRefusal(verify(token.slice(0, -1) + last)),
    );
    expect(taken).toEqual([token.slice(-1)]);
  });

  test('may have 8192 bytes and not one more', () => {
    const grown = (length: number) => hmacToken({ ...VALID, junk: 'x'.repeat(length) });
    const bare = grown(0).length;
    const filled = grown(Math.floor(((8_192 - bare) * 3) / 4));
    expect(filled.length).toBeGreaterThan(8_188);
    expect(verify(filled)).toMatchObject({ clientId: 'alice' });
    expect(verify('x'.repeat(8_193))).toMatchObject({ message: expect.stringContaining('8192') });
  });

  test.each([
    ['no exp', { sub: 'alice' }, 'has no exp'],
    ['exp as a text', { ...VALID, exp: String(VALID.exp) }, 'exp of the token is not a number'],
    ['exp null', { ...VALID, exp: null }, 'exp of the token is not a number'],
    ['exp below 0', { ...VALID, exp: -1 }, 'exp of the token is not a number'],
    ['exp in ms', { ...VALID, exp: VALID.exp * 1_000 }, 'more than 86400 seconds ahead'],
    ['exp too far', { ...VALID, exp: NOW_SECONDS + 86_431 }, 'more than 86400 seconds ahead'],
    ['nbf ahead', { ...VALID, nbf: NOW_SECONDS + 31 }, 'not valid yet'],
    ['nbf as a text', { ...VALID, nbf: '1' }, 'nbf of the token is not a number'],
    ['iat ahead', { ...VALID, iat: NOW_SECONDS + 31 }, 'iat of the token is in the future'],
    ['iat as a text', { ...VALID, iat: '1' }, 'iat of the token is not a number'],
    ['no sub', { exp: VALID.exp }, 'sub of the token is not a client name'],
    ['sub as a number', { ...VALID, sub: 1 }, 'sub of the token is not a client name'],
    ['an empty sub', { ...VALID, sub: '' }, 'sub of the token is not a client name'],
    ['a control character in sub', { ...VALID, sub: 'a\u0000b' }, 'sub of the token'],
    ['a line end in sub', { ...VALID, sub: 'a\nb' }, 'sub of the token'],
    ['half a character in sub', { ...VALID, sub: 'a\ud800' }, 'sub of the token'],
    ['a sub of 201 bytes', { ...VALID, sub: `${'\u00e9'.repeat(100)}a` }, 'sub of the token'],
    ['jti as a number', { ...VALID, jti: 1 }, 'jti of the token'],
    ['an empty jti', { ...VALID, jti: '' }, 'jti of the token'],
    ['a jti of 129 characters', { ...VALID, jti: 'j'.repeat(129) }, 'jti of the token'],
    ['a list as a text', { ...VALID, subscribe: '*' }, 'subscribe of the token is not a list'],
    [
      'a list as an object',
      { ...VALID, publish: { 0: '*' } },
      'publish of the token is not a list',
    ],
    ['a list of numbers', { ...VALID, presence: [1] }, 'presence of the token is not a list'],
    ['a list with null', { ...VALID, subscribe: ['a', null] }, 'subscribe of the token is not'],
    ['a list with a list', { ...VALID, subscribe: [['*']] }, 'subscribe of the token is not'],
    ['an empty pattern', { ...VALID, subscribe: [''] }, 'subscribe of the token is not'],
    [
      'a pattern of 201 bytes',
      { ...VALID, subscribe: [`${'\u00e9'.repeat(100)}a`] },
      'of 1 to 200',
    ],
    ['65 patterns', { ...VALID, subscribe: Array(65).fill('a') }, 'at most 64'],
    ['a bad channel', { ...VALID, channel: 'a b' }, 'channel of the token'],
    ['a channel as a list', { ...VALID, channel: ['a'] }, 'channel of the token'],
    ['info of 1025 bytes', { ...VALID, info: 'x'.repeat(1_023) }, 'info of the token'],
  ])('with %s is bad', (_, payload, message) => {
    expect(verify(hmacToken(payload))).toEqual({
      code: 'bad-token',
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['a sub of 200 bytes', { ...VALID, sub: '\u00e9'.repeat(100) }],
    ['25 patterns of 200 bytes', { ...VALID, subscribe: Array(25).fill('p'.repeat(200)) }],
    ['64 patterns', { ...VALID, subscribe: Array(64).fill('a') }],
    ['exp at its farthest', { ...VALID, exp: NOW_SECONDS + 86_430 }],
    ['exp with a fraction', { ...VALID, exp: NOW_SECONDS + 0.5 }],
    ['nbf at the leeway', { ...VALID, nbf: NOW_SECONDS + 30 }],
    ['iat at the leeway', { ...VALID, iat: NOW_SECONDS + 30 }],
    ['iss and aud that nobody asked for', { ...VALID, iss: 1, aud: ['x'] }],
  ])('with %s is good', (_, payload) => {
    expect(verify(hmacToken(payload))).toMatchObject({ clientId: payload.sub });
  });

  test('expires 30 seconds after its exp, by another code', () => {
    const token = hmacToken(VALID);
    expect(verify(token, (VALID.exp + 30) * 1_000 - 1)).toMatchObject({ clientId: 'alice' });
    expect(verify(token, (VALID.exp + 30) * 1_000)).toMatchObject({ code: 'token-expired' });
  });

  test('with a wrong signature is bad, not expired, whatever its exp', () => {
    const forged = hmacToken({ ...VALID, exp: 1 }, { alg: 'HS256' }, 'other');
    expect(verify(forged)).toMatchObject({ code: 'bad-token' });
  });

  test('a payload that is no UTF-8 is bad', () => {
    const bytes = Buffer.concat([
      Buffer.from(`{"exp":${VALID.exp},"sub":"a`),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    const signed = `${part({ alg: 'HS256' })}.${bytes.toString('base64url')}`;
    const signature = createHmac('sha256', SECRET).update(signed).digest('base64url');
    expect(verify(`${signed}.${signature}`)).toMatchObject({
      message: expect.stringContaining('UTF-8'),
    });
  });

  test('of two members of one name the last counts, for the claim and for info alike', () => {
    const text = `{"sub":"root","sub":"alice","exp":${VALID.exp},"info":1,"info":2}`;
    expect(verify(hmacToken(text))).toMatchObject({ clientId: 'alice', info: '2' });
  });

  test('no refusal repeats the token', () => {
    const token = hmacToken({ ...VALID, sub: 'hush\n', jti: 'hush' });
    expect(JSON.stringify(verify(token))).not.toContain('hush');
    expect(JSON.stringify(verify(hmacToken(VALID, { alg: 'hush' })))).not.toContain('hush');
  });
});

describe('issuer and audience', () => {
  const strict = createTokenVerifier(settingsOf({ secret: SECRET, issuer: 'me', audience: 'you' }));

  test.each([
    [{ iss: 'me', aud: 'you' }, true],
    [{ iss: 'me', aud: ['x', 'you'] }, true],
    [{ iss: 'me' }, false],
    [{ aud: 'you' }, false],
    [{ iss: 'me', aud: 'foreign' }, false],
    [{ iss: 'me', aud: ['foreign'] }, false],
    [{ iss: 'me', aud: [] }, false],
    [{ iss: 'me', aud: { 0: 'you' } }, false],
    [{ iss: 'ME', aud: 'you' }, false],
    [{ iss: ['me'], aud: 'you' }, false],
  ])('%j: %s', (claims, isGood) => {
    const result = strict.verify(hmacToken({ ...VALID, ...claims }), NOW_MS);
    expect(result).toMatchObject(isGood ? { clientId: 'alice' } : { code: 'bad-token' });
  });
});

describe('public keys', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  const otherEd = generateKeyPairSync('ed25519');
  const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();

  function keysOf(text: string): TokenKeys {
    const parsed = parseTokenKeys(text);
    if (typeof parsed === 'string') throw new Error(parsed);
    return parsed;
  }

  const all = [rsa, ec, ed].map((pair) => pem(pair.publicKey)).join('');
  const withAll = createTokenVerifier(settingsOf({ keys: keysOf(all) }));
  const withBoth = createTokenVerifier(settingsOf({ secret: SECRET, keys: keysOf(all) }));

  test.each([
    ['RS256', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ])('%s is verified, and the second time at once', async (alg, pair) => {
    const token = publicToken(VALID, alg, pair.privateKey);
    const first = withAll.verify(token, NOW_MS);
    expect(first).toBeInstanceOf(Promise);
    const claims = { clientId: 'alice', expiresAtSeconds: VALID.exp };
    expect(await first).toEqual(claims);
    expect(withAll.verify(token, NOW_MS)).toEqual(claims);
    const later = withAll.verify(token, (VALID.exp + 30) * 1_000);
    expect(later).toMatchObject({ code: 'token-expired' });
  });

  test('of two keys of one kind either verifies', async () => {
    const both = pem(otherEd.publicKey) + pem(ed.publicKey);
    const rotating = createTokenVerifier(settingsOf({ keys: keysOf(both) }));
    for (const { privateKey } of [ed, otherEd]) {
      const result = await rotating.verify(publicToken(VALID, 'EdDSA', privateKey), NOW_MS);
      expect(result).toMatchObject({ clientId: 'alice' });
    }
  });

  const attacks: [name: string, token: string][] = [
    ['the public key as HMAC secret', hmacToken(VALID, { alg: 'HS256' }, pem(rsa.publicKey))],
    ['the key text as HMAC secret', hmacToken(VALID, { alg: 'HS512' }, all)],
    ['an HMAC under a public-key name', hmacToken(VALID, { alg: 'RS256' }, pem(rsa.publicKey))],
    ['alg none', `${part({ alg: 'none' })}.${part(VALID)}.`],
    ['a foreign key', publicToken(VALID, 'EdDSA', otherEd.privateKey)],
    [
      'a key of another kind',
      swapHeader(publicToken(VALID, 'EdDSA', ed.privateKey), { alg: 'RS256' }),
    ],
    [
      'another RSA algorithm',
      swapHeader(publicToken(VALID, 'RS256', rsa.privateKey), { alg: 'RS512' }),
    ],
    [
      'another payload',
      swapPayload(publicToken(VALID, 'ES256', ec.privateKey), { ...VALID, sub: 'b' }),
    ],
    ['a key of its own in the header', selfSigned()],
    ['a line end behind', `${publicToken(VALID, 'EdDSA', ed.privateKey)}\n`],
    ['padding', `${publicToken(VALID, 'EdDSA', ed.privateKey)}==`],
    ['expired and forged', publicToken({ ...VALID, exp: 1 }, 'EdDSA', otherEd.privateKey)],
    ['claims that are wrong', publicToken({ ...VALID, sub: 1 }, 'EdDSA', ed.privateKey)],
  ];

  test.each(attacks)('%s is bad, with and without a secret beside', async (_, token) => {
    expect(await withAll.verify(token, NOW_MS)).toMatchObject({ code: 'bad-token' });
    expect(await withBoth.verify(token, NOW_MS)).toMatchObject({ code: 'bad-token' });
    // Nothing bad was remembered as good.
    expect(await withAll.verify(token, NOW_MS)).toMatchObject({ code: 'bad-token' });
  });

  test('beside public keys the secret goes on to work', () => {
    expect(withBoth.verify(hmacToken(VALID), NOW_MS)).toMatchObject({ clientId: 'alice' });
  });

  test('a token that was too early is taken when its time has come', async () => {
    const token = publicToken({ ...VALID, nbf: NOW_SECONDS + 40 }, 'EdDSA', ed.privateKey);
    expect(await withAll.verify(token, NOW_MS)).toMatchObject({ code: 'bad-token' });
    expect(await withAll.verify(token, NOW_MS + 10_000)).toMatchObject({ clientId: 'alice' });
  });

  test('an expired token is expired', async () => {
    const token = publicToken({ ...VALID, exp: NOW_SECONDS - 31 }, 'EdDSA', ed.privateKey);
    expect(await withAll.verify(token, NOW_MS)).toMatchObject({ code: 'token-expired' });
  });

  function selfSigned(): string {
    const jwk = otherEd.publicKey.export({ format: 'jwk' });
    const signed = `${part({ alg: 'EdDSA', jwk })}.${part(VALID)}`;
    return `${signed}.${sign(null, Buffer.from(signed), otherEd.privateKey).toString('base64url')}`;
  }

  const smallRsa = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const otherCurve = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
  const privatePem = ed.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  test.each([
    ['no PEM', 'hush', 'must be a PEM public key or the address of a JWKS'],
    ['a file', '/etc/keys.pem', 'must be a PEM public key or the address of a JWKS'],
    ['a private key', privatePem, 'key 1 is a private key'],
    ['RSA of 1024 bits', pem(smallRsa.publicKey), 'key 1 must be RSA of 2048 bits or more'],
    ['another curve', pem(ed.publicKey) + pem(otherCurve.publicKey), 'key 2 must be'],
    [
      'a broken PEM',
      '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
      'key 1 cannot be read',
    ],
    ['17 keys', pem(ed.publicKey).repeat(17), 'must hold at most 16 keys'],
    ['an address without a host', 'https://', 'is not a valid address'],
  ])('%s is no key', (_, text, problem) => {
    expect(parseTokenKeys(text)).toContain(problem);
  });

  test('ends of lines may be written as \\n', () => {
    expect(keysOf(all.replaceAll('\n', '\\n'))).toMatchObject({
      keys: [{ algorithm: 'RS256' }, { algorithm: 'ES256' }, { algorithm: 'EdDSA' }],
    });
  });

  describe('from a JWKS', () => {
    const servers: Server[] = [];

    afterEach(() => {
      for (const server of servers.splice(0)) server.close();
    });

    /** A key set on a loopback port; counts how often it is asked for. */
    async function keySet(body: () => { status?: number; keys?: unknown }) {
      const seen = { requests: 0 };
      const server = createServer((_, response) => {
        seen.requests += 1;
        const { status = 200, keys } = body();
        response.writeHead(status, { connection: 'close' }).end(JSON.stringify({ keys }));
      });
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const keys = keysOf(`http://127.0.0.1:${port}/jwks`);
      return { seen, jwks: createTokenVerifier(settingsOf({ keys })) };
    }

    const jwk = (key: KeyObject, kid?: string) => ({
      ...key.export({ format: 'jwk' }),
      kid,
      use: 'sig',
    });

    test('keys are found by kid and fetched once', async () => {
      const keys = [jwk(ed.publicKey, 'a'), jwk(otherEd.publicKey, 'b'), jwk(rsa.publicKey, 'c')];
      const { seen, jwks } = await keySet(() => ({ keys }));
      const tokens = [
        publicToken(VALID, 'EdDSA', ed.privateKey, 'a'),
        publicToken(VALID, 'EdDSA', otherEd.privateKey, 'b'),
        publicToken(VALID, 'RS256', rsa.privateKey, 'c'),
      ];
      for (const token of tokens) {
        expect(await jwks.verify(token, NOW_MS)).toMatchObject({ clientId: 'alice' });
      }
      const wrong = publicToken(VALID, 'EdDSA', otherEd.privateKey, 'a');
      expect(await jwks.verify(wrong, NOW_MS)).toMatchObject({ code: 'bad-token' });
      const unknown = publicToken(VALID, 'EdDSA', ed.privateKey, 'z');
      expect(await jwks.verify(unknown, NOW_MS)).toMatchObject({ code: 'bad-token' });
      expect(seen.requests).toBe(1);
    });

    test('a token without kid is tried with every key that fits', async () => {
      const keys = [jwk(ed.publicKey, 'a'), jwk(otherEd.publicKey, 'b')];
      const { jwks } = await keySet(() => ({ keys }));
      const token = publicToken(VALID, 'EdDSA', otherEd.privateKey);
      expect(await jwks.verify(token, NOW_MS)).toMatchObject({ clientId: 'alice' });
      const foreign = publicToken(VALID, 'EdDSA', generateKeyPairSync('ed25519').privateKey);
      expect(await jwks.verify(foreign, NOW_MS)).toMatchObject({ code: 'bad-token' });
    });

    test('a secret in the set is no key', async () => {
      const secret = { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), alg: 'HS256' };
      const { jwks, seen } = await keySet(() => ({ keys: [secret] }));
      expect(await jwks.verify(hmacToken(VALID), NOW_MS)).toMatchObject({ code: 'bad-token' });
      expect(seen.requests).toBe(0);
    });

    test('while the set cannot be had the token is refused, and taken afterwards', async () => {
      let status = 500;
      const { jwks } = await keySet(() => ({ status, keys: [jwk(ed.publicKey)] }));
      const token = publicToken(VALID, 'EdDSA', ed.privateKey);
      expect(await jwks.verify(token, NOW_MS)).toEqual({
        code: 'bad-token',
        message: 'the keys to verify the token cannot be had now',
      });
      status = 200;
      expect(await jwks.verify(token, NOW_MS)).toMatchObject({ clientId: 'alice' });
    });
  });
});

describe('the cache of verified tokens', () => {
  const claims = { clientId: 'alice', expiresAtSeconds: VALID.exp };

  test('is bounded, and drops what was not asked for the longest', () => {
    const cache = new TokenCache(2);
    cache.set('a', claims, 0);
    cache.set('b', claims, 0);
    cache.get('a', 0);
    cache.set('c', claims, 0);
    expect(cache.size).toBe(2);
    expect(['a', 'b', 'c'].map((token) => cache.get(token, 0) !== null)).toEqual([
      true,
      false,
      true,
    ]);
  });

  test('forgets after ten minutes, so that a withdrawn key stops to count', () => {
    const cache = new TokenCache();
    cache.set('a', claims, 1_000);
    expect(cache.get('a', 1_000 + TOKEN_CACHE_MAX_MS - 1)).toBe(claims);
    expect(cache.get('a', 1_000 + TOKEN_CACHE_MAX_MS)).toBeNull();
    expect(cache.size).toBe(0);
  });
});

describe('signing', () => {
  test('what is signed is verified, with all its claims', () => {
    const request = {
      clientId: 'J\u00f6 "x"',
      ttlSeconds: 120,
      subscribe: ['a'],
      publish: ['b'],
      presence: ['c'],
      info: '{"n":1234567890123456789}',
      channel: 'room',
      issuer: 'me',
      audience: 'you',
    };
    const { token, jti, expiresAtSeconds } = signToken(SECRET, request, NOW_MS + 999);
    expect(jti).toMatch(/^[0-9a-z]{12}$/);
    expect(expiresAtSeconds).toBe(NOW_SECONDS + 120);
    const strict = createTokenVerifier(
      settingsOf({ secret: SECRET, issuer: 'me', audience: 'you' }),
    );
    const { clientId, ttlSeconds, issuer, audience, ...rest } = request;
    expect(strict.verify(token, NOW_MS)).toEqual({
      ...rest,
      clientId,
      jti,
      issuedAtSeconds: NOW_SECONDS,
      expiresAtSeconds,
    });
  });

  test('without a time it lives for an hour, and every token has its own name', () => {
    const tokens = [1, 2].map(() => signToken(SECRET, { clientId: 'a' }, NOW_MS));
    expect(tokens.map((it) => it.expiresAtSeconds)).toEqual(Array(2).fill(NOW_SECONDS + 3_600));
    expect(tokens[0]?.jti).not.toBe(tokens[1]?.jti);
  });

  test('an empty secret signs for everybody and is refused', () => {
    expect(() => createTokenVerifier(settingsOf({ secret: '' }))).toThrow(RangeError);
  });

  test('without secret and keys no token is taken', () => {
    const closed = createTokenVerifier(settingsOf({}));
    expect(closed.verify(hmacToken(VALID), NOW_MS)).toMatchObject({ code: 'bad-token' });
  });
});

function swapPayload(token: string, payload: unknown): string {
  const [header, , signature] = token.split('.');
  return `${header}.${part(payload)}.${signature}`;
}

function swapHeader(token: string, header: unknown): string {
  return [part(header), ...token.split('.').slice(1)].join('.');
}
