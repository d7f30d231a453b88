import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  envExample,
  isLoopback,
  loadSettings,
  NAMESPACE_DEFAULTS,
  type Settings,
} from '@halley/shared/config';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../kit/authority.js';
import { PRODUCTION, problemsOf } from '../kit/settings.js';

const PUBLIC_KEY = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });

describe('settings', () => {
  test('nothing set: development on loopback', () => {
    const { namespaces, edge, ...settings } = loadSettings({});
    expect(settings).toEqual({
      production: false,
      host: '127.0.0.1',
      api: {
        port: 8_000,
        bodyMaxBytes: 8_388_608,
        megacometManagerPort: 0,
        megacometAllow: ['127.0.0.1', '::1'],
      },
      sweep: { edgeDeadMs: 10_000, lastSeenDays: 30 },
      icomet: {
        bare: true,
        allow: ['127.0.0.1', '::1'],
        auth: 'none',
        pollingTimeoutSeconds: 30,
        channelTimeoutSeconds: 30,
        maxChannels: 1_000_000,
        maxSubscribersPerChannel: 100_000,
      },
      limits: {
        edgeConnections: 1_000_000,
        clientConnections: 128,
        addressConnections: 10_000,
        edgeChannels: 1_000_000,
        rates: {
          publish: { perSecond: 100, burst: 500 },
          subscribe: { perSecond: 128, burst: 512 },
          read: { perSecond: 50, burst: 200 },
          other: { perSecond: 500, burst: 2_000 },
        },
        cutRefusals: 500,
        apiKeyMessagesPerSecond: 0,
        pendingMessages: 100_000,
        pendingBytes: 134_217_728,
        bodiesBytes: 268_435_456,
        overloadLagMs: 1_000,
        overloadBackpressureBytes: 268_435_456,
      },
      trustedProxies: [],
      redis: { timeoutMs: 2_000 },
      apiKeys: [{ name: 'default', secret: 'dev-key', role: 'admin' }],
      token: { secret: 'dev-secret', maxSeconds: 86_400, revokedReloadMs: 30_000 },
      authorize: {
        secret: 'dev-secret',
        timeoutMs: 3_000,
        maxCalls: 50,
        maxWaiting: 1_000,
        graceMs: 300_000,
      },
      origins: '*',
      trustClientIds: true,
      logLevel: 'info',
      dataDir: './data',
      queue: { seconds: 60, maxMessages: 1_000 },
      warnings: [],
    });
    expect(edge).toEqual({
      port: 8_100,
      count: expect.any(Number),
      adminPort: 8_200,
      index: 0,
      pingIntervalMs: 25_000,
      slowReaderBytes: 1_048_576,
      channelLingerMs: 60_000,
      drainSeconds: 60,
      drainGraceMs: 2_000,
      maxChannels: 128,
      presenceGraceMs: 5_000,
      pollPresenceMs: 10_000,
      dpsPort: 0,
      megacometPort: 0,
    });
    expect(namespaces.of('plain').icomet).toBe(true);
    expect(namespaces.of('demo:x').icomet).toBe(false);
    expect(namespaces.of('demo:x').subscribe).toBe('anyone');
  });

  test('production with keys: same host, no trusted names, no namespaces for trying out', () => {
    const settings = loadSettings(PRODUCTION);
    expect(settings).toMatchObject({
      production: true,
      origins: 'same-host',
      trustClientIds: false,
      icomet: { bare: false },
    });
    expect(settings.namespaces.of('demo:x')).toBe(NAMESPACE_DEFAULTS);
    expect(settings.namespaces.of('plain')).toBe(NAMESPACE_DEFAULTS);
    expect(settings.warnings).toEqual([]);
  });

  test('bodies that are under way have room for one', () => {
    const env = { HALLEY_BODY_MAX_BYTES: '100000', HALLEY_BODIES_MAX_BYTES: '99999' };
    expect(problemsOf(env)).toEqual([
      'HALLEY_BODIES_MAX_BYTES must hold at least one body of HALLEY_BODY_MAX_BYTES (100000)',
    ]);
    expect(problemsOf({ ...env, HALLEY_BODIES_MAX_BYTES: '100000' })).toEqual([]);
  });

  test('an empty variable is not set', () => {
    expect(loadSettings({ HALLEY_EDGE_PORT: '', HALLEY_CONFIG: '' }).edge.port).toBe(8_100);
  });

  const RANGES: [name: string, min: number, max: number, read: (settings: Settings) => number][] = [
    ['HALLEY_EDGE_PORT', 0, 65_535, (it) => it.edge.port],
    ['HALLEY_EDGES', 1, 1_024, (it) => it.edge.count],
    ['HALLEY_EDGE_INDEX', 0, 1_023, (it) => it.edge.index],
    ['HALLEY_API_PORT', 0, 65_535, (it) => it.api.port],
    ['HALLEY_TOKEN_MAX_SECONDS', 1, 31_536_000, (it) => it.token.maxSeconds],
    ['HALLEY_REVOKED_RELOAD_MS', 100, 600_000, (it) => it.token.revokedReloadMs],
    ['HALLEY_DRAIN_SECONDS', 0, 3_600, (it) => it.edge.drainSeconds],
    ['HALLEY_DRAIN_GRACE_MS', 0, 60_000, (it) => it.edge.drainGraceMs],
    ['HALLEY_PING_INTERVAL_MS', 100, 300_000, (it) => it.edge.pingIntervalMs],
    ['HALLEY_SLOW_READER_BYTES', 1_024, 67_108_864, (it) => it.edge.slowReaderBytes],
    ['HALLEY_CHANNEL_LINGER_MS', 0, 3_600_000, (it) => it.edge.channelLingerMs],
    ['HALLEY_CONNECTION_MAX_CHANNELS', 1, 128, (it) => it.edge.maxChannels],
    ['HALLEY_PRESENCE_GRACE_MS', 0, 600_000, (it) => it.edge.presenceGraceMs],
    ['HALLEY_POLL_PRESENCE_MS', 0, 600_000, (it) => it.edge.pollPresenceMs],
    ['HALLEY_ICOMET_POLLING_TIMEOUT_SECONDS', 1, 3_600, (it) => it.icomet.pollingTimeoutSeconds],
    ['HALLEY_ICOMET_CHANNEL_TIMEOUT_SECONDS', 1, 86_400, (it) => it.icomet.channelTimeoutSeconds],
    ['HALLEY_ICOMET_MAX_CHANNELS', 1, 10_000_000, (it) => it.icomet.maxChannels],
    [
      'HALLEY_ICOMET_MAX_SUBSCRIBERS_PER_CHANNEL',
      1,
      10_000_000,
      (it) => it.icomet.maxSubscribersPerChannel,
    ],
    ['HALLEY_DPS_PORT', 0, 65_535, (it) => it.edge.dpsPort],
    ['HALLEY_MEGACOMET_PORT', 0, 65_535, (it) => it.edge.megacometPort],
    ['HALLEY_MEGACOMET_MANAGER_PORT', 0, 65_535, (it) => it.api.megacometManagerPort],
    ['HALLEY_BODY_MAX_BYTES', 1_024, 67_108_864, (it) => it.api.bodyMaxBytes],
    ['HALLEY_REDIS_TIMEOUT_MS', 50, 60_000, (it) => it.redis.timeoutMs],
  ];

  test.each(RANGES)('%s goes from %i to %i', (name, min, max, read) => {
    // The admin ports would collide with some of these, which is another rule.
    const base = { HALLEY_EDGE_ADMIN_PORT: '0' };
    expect(read(loadSettings({ ...base, [name]: String(min) }))).toBe(min);
    expect(read(loadSettings({ ...base, [name]: ` ${max} ` }))).toBe(max);
    for (const wrong of [
      String(min - 1),
      String(max + 1),
      '1.5',
      '0x10',
      '1e3',
      'x',
      ' ',
      '9'.repeat(20),
    ]) {
      expect(problemsOf({ ...base, [name]: wrong })).toEqual([
        expect.stringContaining(`${name} must be a whole number from ${min} to ${max}`),
      ]);
    }
  });

  test.each([
    ['HALLEY_HOST', 'not a host'],
    ['HALLEY_HOST', '127.0.0.1:80'],
    ['HALLEY_TRUST_CLIENT_IDS', 'yes'],
    ['HALLEY_LOG_LEVEL', 'loud'],
    ['HALLEY_PUBLIC_URL', 'example.com'],
    ['HALLEY_PUBLIC_URL', 'ftp://example.com'],
    ['HALLEY_ORIGINS', 'example.com'],
    ['HALLEY_ORIGINS', 'https://example.com/'],
    ['HALLEY_ORIGINS', 'https://Example.com'],
    ['HALLEY_ORIGINS', 'https://example.com:443'],
    ['HALLEY_ORIGINS', '*,https://example.com'],
    ['HALLEY_ORIGINS', 'https://*.example.com'],
    ['HALLEY_TOKEN_KEYS', 'no key'],
    ['HALLEY_TOKEN_KEYS', 'https://'],
    ['HALLEY_TOKEN_ISSUER', 'i'.repeat(1_001)],
    ['REDIS_URL', 'http://127.0.0.1'],
    ['REDIS_URL', 'localhost:6379'],
    ['HALLEY_REDIS_CA', '/nowhere/ca.pem'],
    ['HALLEY_API_KEYS', 'a:b'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
  });

  test.each([
    ['*', '*'],
    ['same-host', 'same-host'],
    ['https://example.com', ['https://example.com']],
    ['http://localhost:3000, https://a.b', ['http://localhost:3000', 'https://a.b']],
    ['capacitor://localhost', ['capacitor://localhost']],
  ])('HALLEY_ORIGINS=%s is read', (value, expected) => {
    expect(loadSettings({ HALLEY_ORIGINS: value }).origins).toEqual(expected);
  });

  test.each([
    'redis://127.0.0.1:6379',
    'rediss://user:pass@host:1/2',
    'redis://a:1,redis://b:2',
    'redis+sentinel://:pass@a:1,b:2/main',
    'rediss+sentinel://user:pass@a:1,b:2/main/3',
    'rediss://:pass@a:1,rediss://b:2',
    'unix:///run/redis.sock',
  ])('REDIS_URL=%s is taken', (value) => {
    expect(loadSettings({ REDIS_URL: value }).redisUrl).toBe(value);
  });

  test.each([
    ['redis://a:1,rediss://b:2', 'all redis:// or all rediss://'],
    ['redis://a:1/0,redis://b:2/1', 'only database 0'],
    ['redis://a:1,unix:///run/redis.sock', 'no unix:// nodes'],
    ['redis://:one@a:1,redis://:two@b:2', 'one user and one password'],
    ['redis://a:1,redis://:two@b:2', 'one user and one password'],
    ['redis://a:1,redis+sentinel://b:2/main', 'unknown scheme'],
    ['rediss+sentinel://a:1', 'must be redis+sentinel://'],
    ['redis://:a,hush:x@b', 'percent-encode'],
  ])('REDIS_URL=%s is refused: %s', (url, reason) => {
    const problems = problemsOf({ REDIS_URL: url });
    expect(problems).toEqual([expect.stringContaining(reason)]);
    expect(problems).toEqual([expect.not.stringMatching(/hush|two/)]);
  });

  test('HALLEY_REDIS_CA is read at once, and only where it can have an effect', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'halley-ca-'));
    try {
      const file = join(dir, 'ca.pem');
      const { ca } = await makeCertificates();
      await writeFile(file, ca);
      const secure = { REDIS_URL: 'rediss://host', HALLEY_REDIS_CA: file };
      expect(loadSettings(secure).redis.ca).toBe(ca);
      expect(problemsOf({ ...secure, REDIS_URL: 'redis://host' })).toEqual([
        expect.stringMatching(/^HALLEY_REDIS_CA must go with .* rediss:/),
      ]);
      await writeFile(file, ca.replace(/^M/m, 'N'));
      expect(problemsOf(secure)).toEqual([
        expect.stringMatching(/^HALLEY_REDIS_CA must be a file/),
      ]);
      await writeFile(file, 'no certificate');
      expect(problemsOf(secure)).toEqual([
        expect.stringMatching(/^HALLEY_REDIS_CA must be a file/),
      ]);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });

  test('texts arrive as they are', () => {
    const { token, dataDir, edge } = loadSettings({
      HALLEY_TOKEN_SECRET: ' with spaces ',
      HALLEY_TOKEN_ISSUER: 'me',
      HALLEY_TOKEN_AUDIENCE: 'you',
      HALLEY_DATA_DIR: '/var/lib/halley',
      HALLEY_PUBLIC_URL: 'wss://push.example.com',
    });
    expect(token).toMatchObject({ secret: ' with spaces ', issuer: 'me', audience: 'you' });
    expect([dataDir, edge.publicUrl]).toEqual(['/var/lib/halley', 'wss://push.example.com']);
  });

  test('all problems come at once, and none shows a secret', () => {
    const problems = problemsOf({
      NODE_ENV: 'production',
      HALLEY_EDGE_PORT: 'x',
      HALLEY_ORIGINS: 'nowhere',
      HALLEY_API_KEYS: 'a:hush',
      HALLEY_TOKEN_SECRET: `-----BEGIN PUBLIC KEY-----hush`,
      HALLEY_TOKEN_KEYS: 'hush',
      REDIS_URL: 'redis://:hush/hush@host:port',
      HALLEY_CONFIG: '/nowhere/hidden.json',
    });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'REDIS_URL',
      'HALLEY_EDGE_PORT',
      'HALLEY_API_KEYS',
      'HALLEY_TOKEN_SECRET',
      'HALLEY_TOKEN_KEYS',
      'HALLEY_ORIGINS',
      'HALLEY_CONFIG',
    ]);
    expect(problems.join()).not.toContain('hush');
  });

  test.each(['redis+sentinel://:hush/x@host:1', 'redis://:hush/x@host', 'http://:hush@host'])(
    'no part of a password is shown from %s',
    (url) => {
      expect(problemsOf({ REDIS_URL: url })).toEqual([expect.not.stringContaining('hush')]);
    },
  );

  test('unknown variables are a warning', () => {
    const { warnings } = loadSettings({
      HALLEY_EDGE_PROT: '1',
      HALLEY_TEST_REDIS_IMAGE: 'x',
      HALL: 'y',
    });
    expect(warnings).toEqual([expect.stringContaining('HALLEY_EDGE_PROT ')]);
  });

  test('a NODE_ENV that is nearly production is a warning', () => {
    expect(loadSettings({ NODE_ENV: 'prod' }).warnings).toEqual([
      expect.stringContaining('"prod"'),
    ]);
    expect(loadSettings({ NODE_ENV: 'development' }).warnings).toEqual([]);
  });
});

describe('ports', () => {
  test('an edge has the admin port of its index, but any free one for 0', () => {
    expect(loadSettings({ HALLEY_EDGE_INDEX: '3' }).edge.adminPort).toBe(8_203);
    const free = loadSettings({ HALLEY_EDGE_INDEX: '3', HALLEY_EDGE_ADMIN_PORT: '0' });
    expect(free.edge.adminPort).toBe(0);
  });

  test.each([
    [{ HALLEY_EDGE_ADMIN_PORT: '65535', HALLEY_EDGES: '2' }, 'HALLEY_EDGE_ADMIN_PORT must leave'],
    [
      { HALLEY_EDGE_ADMIN_PORT: '65535', HALLEY_EDGE_INDEX: '1' },
      'HALLEY_EDGE_ADMIN_PORT must leave',
    ],
    [
      { HALLEY_EDGE_PORT: '8203', HALLEY_EDGES: '4' },
      'HALLEY_EDGE_PORT must not be one of the admin',
    ],
  ])('%j is a contradiction', (env, problem) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(problem)]);
  });

  test('the last admin port may be the last port', () => {
    const env = { HALLEY_EDGE_ADMIN_PORT: '65534', HALLEY_EDGES: '2' };
    expect(problemsOf(env)).toEqual([]);
    expect(problemsOf({ HALLEY_EDGE_PORT: '8204', HALLEY_EDGES: '4' })).toEqual([]);
  });
});

describe('keys', () => {
  test.each([
    [{ NODE_ENV: 'production' }, ['HALLEY_API_KEYS must be set', 'HALLEY_TOKEN_SECRET or']],
    [{ ...PRODUCTION, HALLEY_API_KEYS: '' }, ['HALLEY_API_KEYS must be set in production']],
    [{ ...PRODUCTION, HALLEY_TOKEN_SECRET: '' }, ['HALLEY_TOKEN_SECRET or HALLEY_TOKEN_KEYS must']],
    [{ ...PRODUCTION, HALLEY_API_KEYS: 'dev-key' }, ['HALLEY_API_KEYS must not hold dev-key']],
    [{ ...PRODUCTION, HALLEY_API_KEYS: 'ok:fine:read,x:dev-key:read' }, ['must not hold dev-key']],
    [{ ...PRODUCTION, HALLEY_TOKEN_SECRET: 'dev-secret' }, ['HALLEY_TOKEN_SECRET must not be']],
    [{ HALLEY_HOST: '0.0.0.0' }, ['HALLEY_API_KEYS must be set for HALLEY_HOST', 'HALLEY_TOKEN_S']],
    [{ HALLEY_HOST: '::' }, ['HALLEY_API_KEYS must be set for HALLEY_HOST ::', 'HALLEY_TOKEN_S']],
    [
      { HALLEY_HOST: '127.evil.example' },
      ['HALLEY_API_KEYS must be set', 'HALLEY_TOKEN_SECRET or'],
    ],
    [
      { HALLEY_HOST: '10.0.0.1', HALLEY_API_KEYS: 'own', HALLEY_TOKEN_SECRET: 'dev-secret' },
      ['dev-secret'],
    ],
    [
      { HALLEY_HOST: '10.0.0.1', HALLEY_API_KEYS: 'a:b', HALLEY_TOKEN_SECRET: 'own' },
      ['HALLEY_API_KEYS key 1'],
    ],
  ])('%j is refused', (env, problems) => {
    expect(problemsOf(env)).toEqual(problems.map((problem) => expect.stringContaining(problem)));
  });

  test.each([
    { ...PRODUCTION, HALLEY_TOKEN_SECRET: '', HALLEY_TOKEN_KEYS: PUBLIC_KEY.toString() },
    { ...PRODUCTION, HALLEY_HOST: '0.0.0.0' },
    { HALLEY_HOST: '0.0.0.0', HALLEY_API_KEYS: 'own', HALLEY_TOKEN_SECRET: 'own' },
    { HALLEY_HOST: '127.0.0.2' },
    { HALLEY_HOST: 'localhost' },
    { HALLEY_HOST: '::1' },
  ])('%j is allowed', (env) => {
    expect(problemsOf(env)).toEqual([]);
  });

  test('the secret of development does not stand beside public keys', () => {
    const { token } = loadSettings({
      HALLEY_TOKEN_KEYS: PUBLIC_KEY.toString().replaceAll('\n', '\\n'),
    });
    expect(token.secret).toBeUndefined();
    expect(token.keys).toMatchObject({ kind: 'pem', keys: [{ algorithm: 'EdDSA' }] });
  });

  test('what production seldom means is a warning', () => {
    const { warnings } = loadSettings({
      ...PRODUCTION,
      HALLEY_TOKEN_SECRET: 'short',
      HALLEY_TOKEN_KEYS: 'http://keys.example.com/jwks',
      HALLEY_TRUST_CLIENT_IDS: '1',
    });
    expect(warnings.map((warning) => warning.split(' ')[0])).toEqual([
      'HALLEY_TOKEN_SECRET',
      'HALLEY_TOKEN_KEYS',
      'HALLEY_TRUST_CLIENT_IDS',
    ]);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.255.0.9', true],
    ['::1', true],
    ['LOCALHOST', true],
    ['0.0.0.0', false],
    ['::', false],
    ['localhost.example.com', false],
    ['127.0.0.1.example.com', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe('the file', () => {
  let folder: string;
  let path: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'halley-config-'));
    path = join(folder, 'halley.json');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function withFile(content: unknown, env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return { ...env, HALLEY_CONFIG: path };
  }

  test('sets namespaces over the defaults, and the queue', () => {
    const { namespaces, queue } = loadSettings(
      withFile({ namespaces: { chat: { historySize: 5, members: true } }, queueSeconds: 10 }),
    );
    expect(queue).toEqual({ seconds: 10, maxMessages: 1_000 });
    const chat = { ...NAMESPACE_DEFAULTS, historySize: 5, members: true };
    expect(namespaces.of('chat:1')).toEqual(chat);
    expect(namespaces.of('chat:1:2')).toEqual(chat);
    expect(namespaces.of('chat:')).toEqual(chat);
    expect(namespaces.of('chats:1')).toBe(NAMESPACE_DEFAULTS);
  });

  test('a namespace has the same options for each of its channels, not a copy', () => {
    const { namespaces } = loadSettings({});
    expect(namespaces.of('demo:a')).toBe(namespaces.of('demo:b'));
    expect(namespaces.of('x')).toBe(namespaces.of('y'));
  });

  test('the defaults are those of the documentation', () => {
    expect(NAMESPACE_DEFAULTS).toEqual({
      historySize: 100,
      historySeconds: 300,
      subscribe: 'token',
      publish: 'token',
      history: 'token',
      presence: 'token',
      members: false,
      joinLeave: false,
      leaveDelayMs: 5_000,
      maxPayloadBytes: 65_536,
      icomet: false,
    });
  });

  test('development opens "" and demo, unless the file defines them', () => {
    const { namespaces } = loadSettings(withFile({ namespaces: { demo: {} } }));
    const open = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', presence: 'anyone' };
    expect(namespaces.of('plain')).toMatchObject({ ...open, members: true, joinLeave: true });
    expect(namespaces.of('demo:x')).toEqual(NAMESPACE_DEFAULTS);
  });

  test('"" may be configured', () => {
    const settings = loadSettings(
      withFile({ namespaces: { '': { publish: 'none' } } }, PRODUCTION),
    );
    expect(settings.namespaces.of('plain').publish).toBe('none');
    expect(settings.namespaces.of(':x').publish).toBe('none');
  });

  test('of @client the file sets who may read, and nothing else', () => {
    const builtIn = {
      ...NAMESPACE_DEFAULTS,
      historySize: 1,
      historySeconds: 86_400,
      publish: 'none',
      presence: 'none',
    };
    expect(loadSettings({}).namespaces.of('@client:a')).toEqual(builtIn);
    const env = withFile({ namespaces: { '@client': { subscribe: 'client', history: 'none' } } });
    const changed = loadSettings(env).namespaces.of('@client:a');
    expect(changed).toEqual({ ...builtIn, subscribe: 'client', history: 'none' });
    expect(problemsOf(withFile({ namespaces: { '@client': { publish: 'anyone' } } }))).toEqual([
      expect.stringContaining('namespaces["@client"].publish is no option that may be set here'),
    ]);
  });

  test('a namespace called __proto__ or constructor is one like any other', () => {
    const text = '{"namespaces":{"__proto__":{"historySize":7},"constructor":{"historySize":8}}}';
    const { namespaces } = loadSettings(withFile(text, PRODUCTION));
    expect(namespaces.of('__proto__:x').historySize).toBe(7);
    expect(namespaces.of('constructor:x').historySize).toBe(8);
    expect(namespaces.of('toString:x')).toBe(NAMESPACE_DEFAULTS);
  });

  const BOUNDS: [option: string, min: number, max: number][] = [
    ['historySize', 0, 10_000],
    ['historySeconds', 1, 604_800],
    ['leaveDelayMs', 0, 600_000],
    ['maxPayloadBytes', 1, 1_048_576],
  ];

  test.each(BOUNDS)('%s goes from %i to %i', (option, min, max) => {
    const env = (value: unknown) =>
      withFile({ namespaces: { n: { members: true, [option]: value } } });
    for (const right of [min, max]) expect(problemsOf(env(right))).toEqual([]);
    for (const wrong of [min - 1, max + 1, min + 0.5, '5', null, true]) {
      expect(problemsOf(env(wrong))).toEqual([
        expect.stringContaining(
          `namespaces["n"].${option} must be a whole number from ${min} to ${max}`,
        ),
      ]);
    }
  });

  test.each([
    ['an unknown option', { historySiz: 1 }, 'namespaces["n"].historySiz is no option'],
    ['an option of a later version', { encrypted: true }, 'namespaces["n"].encrypted is no option'],
    ['an option of the prototype', { toString: 1 }, 'namespaces["n"].toString is no option'],
    [
      'an unknown right',
      { publish: 'all' },
      'publish must be one of anyone, client, token, none, not "all"',
    ],
    ['a text for a flag', { members: 'yes' }, 'members must be true or false, not "yes"'],
    ['a list', [], 'namespaces["n"] must be an object'],
    ['null', null, 'namespaces["n"] must be an object'],
    ['joinLeave alone', { joinLeave: true }, 'joinLeave needs members'],
    ['joinLeave without members', { joinLeave: true, members: false }, 'joinLeave needs members'],
    ['leaveDelayMs alone', { leaveDelayMs: 1 }, 'leaveDelayMs needs members'],
    [
      'an age of no history',
      { historySize: 0, historySeconds: 9 },
      'historySeconds needs a historySize',
    ],
  ])('%s is refused', (_, options, problem) => {
    expect(problemsOf(withFile({ namespaces: { n: options } }))).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  test.each(['a:b', 'a b', 'a/b', 'a*', '\u00e9', 'n'.repeat(200)])(
    'the name %s is refused',
    (name) => {
      expect(problemsOf(withFile({ namespaces: { [name]: {} } }))).toEqual([
        expect.stringContaining('a name is at most 199 characters'),
      ]);
    },
  );

  test('names that start with @ are reserved', () => {
    expect(problemsOf(withFile({ namespaces: { '@room': {} } }))).toEqual([
      expect.stringContaining('namespaces["@room"]: names that start with @ are reserved'),
    ]);
  });

  test.each([
    ['no JSON', '{"a":', 'is not JSON'],
    ['a list', [], 'the file must be an object'],
    ['null', 'null', 'the file must be an object'],
    ['an unknown option', { queue: 1 }, 'queue is no option'],
    ['a list of namespaces', { namespaces: [] }, 'namespaces must be an object'],
    ['no seconds', { queueSeconds: 0 }, 'queueSeconds must be a whole number from 1 to 86400'],
    ['too many', { queueMaxMessages: 100_001 }, 'queueMaxMessages must be a whole number from 1'],
  ])('%s is refused, and the file is named', (_, content, problem) => {
    const problems = problemsOf(withFile(content));
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toContain(path);
  });

  test('every problem of the file is named, however many', () => {
    const options = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`x${index}`, 1]));
    const problems = problemsOf(
      withFile({ y: 1, queueSeconds: 0, namespaces: { n: options, '@m': {} } }),
    );
    expect(problems).toHaveLength(23);
  });

  test('a file that is not there is named', () => {
    expect(problemsOf({ HALLEY_CONFIG: join(folder, 'none.json') })).toEqual([
      expect.stringMatching(/^HALLEY_CONFIG .*none\.json cannot be read: ENOENT/),
    ]);
  });
});

describe('.env.example', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');

  test('is what scripts/env-example.mjs prints', () => {
    expect(text).toBe(envExample());
  });

  test('changes nothing when all its values are set', () => {
    const env: NodeJS.ProcessEnv = {};
    for (const [, name = '', value = ''] of text.matchAll(/^# ((?:HALLEY_|REDIS_)\w+)=(.*)$/gm)) {
      env[name] = value;
    }
    // The pattern still finds them.
    expect(env).toHaveProperty('HALLEY_EDGE_PORT', '8100');
    expect(loadSettings(env)).toEqual(loadSettings({}));
  });
});
