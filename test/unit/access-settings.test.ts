/** Settings that decide who gets in. */

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { greeting } from '@halley/cli/dist/start/greeting.js';
import { loadSettings } from '@halley/shared/config';
import { isReachable } from '@halley/shared/ops';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Certificate, type Certificates, newCertificates } from '../kit/certificates.js';
import { KEYS, PRODUCTION, problemsOf } from '../kit/settings.js';

const DAY_MS = 86_400_000;

describe('TLS', () => {
  let made: Certificates;
  let cert: Certificate;
  let other: Certificate;

  beforeAll(async () => {
    made = await newCertificates();
    [cert, other] = await Promise.all([made.make('server'), made.make('other')]);
  });
  afterAll(() => made.remove());

  const files = (certFile: string, keyFile: string) => ({
    HALLEY_TLS_CERT: certFile,
    HALLEY_TLS_KEY: keyFile,
  });

  test('a certificate and its key', () => {
    const { tls, warnings } = loadSettings(files(cert.certFile, cert.keyFile));
    expect(tls).toEqual({ certFile: cert.certFile, keyFile: cert.keyFile });
    expect(warnings).toEqual([]);
  });

  test('one without the other', () => {
    const missing = (name: string) => [expect.stringContaining(`${name} must be set too`)];
    expect(problemsOf({ HALLEY_TLS_CERT: cert.certFile })).toEqual(missing('HALLEY_TLS_KEY'));
    expect(problemsOf({ HALLEY_TLS_KEY: cert.keyFile })).toEqual(missing('HALLEY_TLS_CERT'));
  });

  test('files that are not there, are something else, or do not belong together', () => {
    const none = join(made.folder, 'none');
    expect(problemsOf(files(none, none))).toEqual([
      `HALLEY_TLS_CERT ${none} cannot be read: ENOENT`,
      `HALLEY_TLS_KEY ${none} cannot be read: ENOENT`,
    ]);
    expect(problemsOf(files(cert.keyFile, cert.certFile))).toEqual([
      `HALLEY_TLS_CERT ${cert.keyFile} must be a certificate in PEM`,
      `HALLEY_TLS_KEY ${cert.certFile} must be a private key in PEM, without a passphrase`,
    ]);
    expect(problemsOf(files(other.certFile, cert.keyFile))).toEqual([
      `HALLEY_TLS_KEY ${cert.keyFile} is not the key of HALLEY_TLS_CERT ${other.certFile}`,
    ]);
  });

  test.each([-1, 3])('a certificate that is not valid in %i days is a warning', (days) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * DAY_MS });
    try {
      const { warnings } = loadSettings(files(cert.certFile, cert.keyFile));
      expect(warnings).toEqual([expect.stringMatching(/^HALLEY_TLS_CERT .* not now$/)]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the token cookie', () => {
  test('needs origins that are named', () => {
    const refused = [expect.stringContaining('HALLEY_TOKEN_COOKIE needs HALLEY_ORIGINS')];
    expect(problemsOf({ HALLEY_TOKEN_COOKIE: 'sid' })).toEqual(refused);
    expect(problemsOf({ ...PRODUCTION, HALLEY_TOKEN_COOKIE: 'sid', HALLEY_ORIGINS: '*' })).toEqual(
      refused,
    );
    expect(loadSettings({ ...PRODUCTION, HALLEY_TOKEN_COOKIE: '__Host-sid' }).tokenCookie).toBe(
      '__Host-sid',
    );
  });

  test.each(['a b', 'a=b', 'a;b', 'ä', 'x'.repeat(65)])('%j is no name', (name) => {
    const env = { HALLEY_TOKEN_COOKIE: name, HALLEY_ORIGINS: 'same-host' };
    expect(problemsOf(env)).toEqual([expect.stringContaining('the name of a cookie')]);
  });
});

describe('authorizeUrl', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'halley-config-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const withOptions = (options: object, name = 'n') => {
    const file = join(folder, 'halley.json');
    writeFileSync(file, JSON.stringify({ namespaces: { [name]: options } }));
    return { HALLEY_CONFIG: file };
  };

  test.each([
    'http://127.0.0.1:9000/rights',
    'http://[::1]/',
    'https://backend.internal/rights?key=1',
    'http://10.0.0.7/',
    'http://[fd00::7]/',
  ])('%s may be asked', (authorizeUrl) => {
    const { namespaces } = loadSettings(withOptions({ authorizeUrl }));
    expect(namespaces.of('n:a').authorizeUrl).toBe(authorizeUrl);
    expect(namespaces.asksBackends).toBe(true);
    expect(loadSettings(withOptions({ authorizeUrl }, '@client')).namespaces.asksBackends).toBe(
      true,
    );
  });

  test.each([
    [7, 'must be a text'],
    ['x'.repeat(1_001), 'must be a text of at most 1000 characters'],
    ['backend', 'must be an http or https address'],
    ['ftp://backend/', 'must be an http or https address'],
    ['file:///etc/passwd', 'must be an http or https address'],
    ['http://user:hush@backend/', 'must hold no user and password'],
    ['http://backend/#a', 'must hold no #'],
    ['http://169.254.169.254/latest', 'must not be a link-local'],
    ['http://0/', 'must not be a link-local'],
    ['http://0xa9fea9fe/', 'must not be a link-local'],
    ['http://[::ffff:169.254.169.254]/', 'must not be a link-local'],
    ['http://[fe80::1]/', 'must not be a link-local'],
  ])('%s may not', (authorizeUrl, problem) => {
    const [found, ...others] = problemsOf(withOptions({ authorizeUrl }));
    expect(found).toContain(problem);
    expect(found).not.toContain('hush');
    expect(others).toEqual([]);
  });

  test('decides about nothing where no right is token', () => {
    const open = { subscribe: 'anyone', publish: 'none', history: 'anyone', presence: 'client' };
    expect(problemsOf(withOptions({ ...open, authorizeUrl: 'http://a/' }))).toEqual([
      expect.stringContaining('authorizeUrl needs a right that is token'),
    ]);
  });

  test('needs a secret: that of the tokens, or one of its own', () => {
    const options = withOptions({ authorizeUrl: 'http://a/' });
    expect(loadSettings({ ...PRODUCTION, ...options }).authorize.secret).toBe(
      KEYS.HALLEY_TOKEN_SECRET,
    );
    const jwks = { HALLEY_TOKEN_SECRET: '', HALLEY_TOKEN_KEYS: 'https://keys.example/jwks' };
    expect(problemsOf({ ...PRODUCTION, ...jwks, ...options })).toEqual([
      'HALLEY_AUTHORIZE_SECRET must be set: a namespace has an authorizeUrl',
    ]);
    const own = { HALLEY_AUTHORIZE_SECRET: 'own' };
    expect(loadSettings({ ...PRODUCTION, ...jwks, ...options, ...own }).authorize.secret).toBe(
      'own',
    );
    expect(problemsOf({ ...PRODUCTION, HALLEY_AUTHORIZE_SECRET: 'dev-secret' })).toEqual([
      'HALLEY_AUTHORIZE_SECRET must not be dev-secret in production',
    ]);
  });

  test.each([
    ['HALLEY_AUTHORIZE_TIMEOUT_MS', 50, 60_000],
    ['HALLEY_AUTHORIZE_MAX_CALLS', 1, 1_000],
    ['HALLEY_AUTHORIZE_MAX_WAITING', 0, 100_000],
    ['HALLEY_AUTHORIZE_GRACE_SECONDS', 0, 86_400],
  ])('%s from %i to %i', (name, min, max) => {
    for (const value of [min, max]) expect(problemsOf({ [name]: String(value) })).toEqual([]);
    for (const value of [min - 1, max + 1]) {
      expect(problemsOf({ [name]: String(value) })).toEqual([expect.stringContaining(name)]);
    }
  });
});

describe('warnings', () => {
  const firstWords = (env: NodeJS.ProcessEnv) =>
    loadSettings(env).warnings.map((warning) => warning.split(' ')[0]);

  test.each<[NodeJS.ProcessEnv, string[]]>([
    [PRODUCTION, []],
    [{ ...PRODUCTION, HALLEY_API_KEYS: 'x:short:read' }, ['HALLEY_API_KEYS']],
    [{ ...PRODUCTION, HALLEY_AUTHORIZE_SECRET: 'short' }, ['HALLEY_AUTHORIZE_SECRET']],
    [{ ...PRODUCTION, HALLEY_ORIGINS: '*' }, ['HALLEY_ORIGINS']],
    [{ ...PRODUCTION, HALLEY_HOST: '0.0.0.0' }, ['HALLEY_EDGE_ADMIN_PORT']],
    [{ ...PRODUCTION, HALLEY_TRUSTED_PROXIES: '0.0.0.0/0' }, ['HALLEY_TRUSTED_PROXIES']],
    [{ ...PRODUCTION, HALLEY_ICOMET_ALLOW: '128.0.0.0/1' }, ['HALLEY_ICOMET_ALLOW']],
    [{ ...PRODUCTION, HALLEY_MEGACOMET_ALLOW: '0.0.0.0/1' }, ['HALLEY_MEGACOMET_ALLOW']],
    [{ ...KEYS, HALLEY_HOST: '0.0.0.0' }, ['HALLEY_HOST']],
    [{ ...KEYS, HALLEY_HOST: '127.0.0.1' }, []],
  ])('%j', (env, expected) => {
    expect(firstWords(env)).toEqual(expected);
  });
});

test.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['10.1.2.3', true],
  ['192.168.0.1', true],
  ['fd12::1', true],
  ['203.0.113.7', true],
  ['2001:4860::1', true],
  ['0.0.0.0', false],
  ['0.1.2.3', false],
  ['::', false],
  ['::7f00:1', false],
  ['169.254.169.254', false],
  ['::ffff:169.254.169.254', false],
  ['fe80::1%eth0', false],
  ['fd00:ec2::254', false],
  ['100.100.100.200', false],
  ['192.0.0.192', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['ff02::1', false],
  ['64:ff9b::a9fe:a9fe', false],
  ['2002:a9fe:a9fe::1', false],
  ['localhost', false],
  ['', false],
])('a call to %j: %s', (address, isAllowed) => {
  expect(isReachable(address)).toBe(isAllowed);
});

test.each([
  [false, 'http:', 'ws:'],
  [true, 'https:', 'wss:'],
])('with TLS %s what the start prints is to be opened by %s and %s', (hasTls, http, ws) => {
  const text = greeting({
    isProduction: false,
    hasTls,
    host: '127.0.0.1',
    apiPort: 8_000,
    edgePorts: [8_100],
    edgeAdminPorts: [8_200],
    doorPorts: { megacomet: 1, megacometManager: 0, dps: 2 },
    redis: 'private',
    developmentKey: null,
  });
  const found = text.match(/\w+:\/\/127\.0\.0\.1:\d+/g);
  const addresses = new Set(found?.filter((address) => !address.endsWith(':8200')));
  expect(addresses).toEqual(
    new Set([
      `${http}//127.0.0.1:8000`,
      `${http}//127.0.0.1:8100`,
      `${http}//127.0.0.1:1`,
      `${http}//127.0.0.1:2`,
      `${ws}//127.0.0.1:8100`,
    ]),
  );
  expect(text).toContain('http://127.0.0.1:8200/metrics');
});
