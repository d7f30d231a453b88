/** Secrets are shown in all ways, right and wrong, and then looked for in everything that is told. */

import { readFileSync } from 'node:fs';
import { signToken } from '@halley/shared/auth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificates, newCertificates } from '../kit/certificates.js';
import { answer, DecidingBackend } from '../kit/deciding-backend.js';
import { type Fleet, StartError, startFleet } from '../kit/fleet.js';
import { ask, httpUrl } from '../kit/http-wires.js';
import { type OpenOptions, open } from '../kit/native-client.js';
import { getText, rawRequest } from '../kit/raw-http.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { eventually } from '../kit/wait.js';

/** Parts that stand in no word of ours. */
const API_KEY = 'apikey-7Q2mSECRET0001';
const WRONG_KEY = 'apikey-7Q2mSECRET0002';
const TOKEN_SECRET = 'tokensecret-7Q2mSECRET0003-and-more-of-it';
const AUTHORIZE_SECRET = 'authorize-7Q2mSECRET0004-and-more-of-it';
const URL_SECRET = 'urlkey-7Q2mSECRET0005';
const COOKIE = 'cookie-7Q2mSECRET0006';
const REDIS_PASSWORD = 'redis-7Q2mSECRET0007';
const ORIGIN = 'https://app.example';
const CHANNEL = 'asked:a';
const RIGHT = signToken(TOKEN_SECRET, { clientId: 'ann', subscribe: ['room:*'] }).token;
const WRONG = signToken('another secret', { clientId: 'ann' }).token;
const EXPIRED = signToken(TOKEN_SECRET, { clientId: 'ann', ttlSeconds: 1 }, 1_000).token;

describe('no secret is told', () => {
  const backend = new DecidingBackend();
  let made: Certificates;
  let redis: PrivateRedis;
  let fleet: Fleet;
  let keyLine = '';
  /** Everything that peers were told. */
  const told: string[] = [];

  beforeAll(async () => {
    await backend.start();
    backend.decide = () => (response) => answer(response, 500, COOKIE);
    made = await newCertificates();
    redis = await startPrivateRedis({ password: REDIS_PASSWORD, persistent: true });
    const authorizeUrl = `http://127.0.0.1:${backend.port}/?key=${URL_SECRET}`;
    fleet = await startFleet({
      redisUrl: redis.url,
      config: { namespaces: { asked: { authorizeUrl } } },
      env: {
        HALLEY_LOG_LEVEL: 'trace',
        HALLEY_API_KEYS: `ops:${API_KEY}:admin`,
        HALLEY_TOKEN_SECRET: TOKEN_SECRET,
        HALLEY_AUTHORIZE_SECRET: AUTHORIZE_SECRET,
        HALLEY_TOKEN_COOKIE: 'session',
        HALLEY_ORIGINS: ORIGIN,
        HALLEY_REDIS_TIMEOUT_MS: '300',
      },
    });
  });
  afterAll(async () => {
    await fleet.stop();
    await redis.stop();
    await backend.stop();
    await made.remove();
  });

  async function call(path: string, key: string, body?: string): Promise<string> {
    const url = new URL(path, fleet.api().url);
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const method = body === undefined ? 'GET' : 'POST';
    const got = await ask(url, { method, headers, ...(body !== undefined && { body }) });
    told.push(got.text, JSON.stringify(got.headers));
    return got.text;
  }

  async function knock(options: OpenOptions): Promise<void> {
    const client = await open(fleet.edge().wsUrl, options);
    for (const token of [RIGHT, WRONG, EXPIRED]) {
      client.send({ type: 'subscribe', ref: 's', channel: 'room:a', token });
      client.send({ type: 'auth', ref: 'a', token });
    }
    client.send({ type: 'subscribe', ref: 'last', channel: CHANNEL });
    const answered = client.waitFor((frame) => 'ref' in frame && frame.ref === 'last');
    await Promise.race([answered.catch(() => undefined), client.closed]);
    client.socket.close();
    const { reason } = await client.closed;
    told.push(reason, ...client.texts);
  }

  async function showTokens(token: string): Promise<void> {
    const headers = { Authorization: `Bearer ${token}` };
    const cookied = { Cookie: `session=${token}; other=${COOKIE}` };
    await knock({ token });
    await knock({ headers });
    await knock({ origin: ORIGIN, headers: cookied });
    await knock({ subprotocols: ['halley.v1', `bearer.${token}`] });
    for (const path of ['/v1/poll', '/icomet/sub', '/dps/poll', '/nowhere']) {
      const query = { channel: CHANNEL, cname: 'c', channels: CHANNEL, session: 's' };
      const url = httpUrl(fleet.edge().wsUrl, path, { ...query, wait: 0, token });
      const method = path === '/dps/poll' ? 'POST' : 'GET';
      told.push((await ask(url, { method, headers: { ...cookied, Origin: ORIGIN } })).text);
    }
    const wrong = getText(`/v1/poll?channel=%20&token=${token}`, [`Cookie: x=${COOKIE}`]);
    told.push((await rawRequest(fleet.edge().port, wrong)).body);
  }

  test('by tokens, keys, cookies and passwords, whatever is done with them', async () => {
    for (const token of [RIGHT, WRONG, EXPIRED, `${RIGHT}x`]) await showTokens(token);
    await call('/stats', API_KEY);
    await call('/stats', WRONG_KEY);
    await call(`/nowhere?key=${WRONG_KEY}`, WRONG_KEY);
    await call('/channels/room:a/messages', API_KEY, `{"data":`);
    await call('/tokens', WRONG_KEY, JSON.stringify({ clientId: 'ann' }));
    expect(backend.asked.length).toBeGreaterThan(0);
    await redis.kill();
    await call('/channels/room:a/messages', API_KEY, '{"data":1}');
    await knock({ token: RIGHT });
    const isTold = () => fleet.edge().output.includes('ECONNREFUSED');
    await eventually(isTold, 'the edge tells that Redis is away');
    await redis.restart();
    const isReady = async () =>
      (await ask(new URL('/readyz', fleet.edge().adminUrl))).status === 200;
    await eventually(isReady, 'the edge hears Redis again');

    const cert = await made.make('server');
    const other = await made.make('other');
    keyLine = readFileSync(cert.keyFile, 'utf8').split('\n')[1] ?? '';
    const tls = { HALLEY_TLS_CERT: cert.certFile, HALLEY_TLS_KEY: cert.keyFile };
    const secure = await fleet.addEdge(tls);
    await rawRequest(secure.port, getText('/')).catch(() => undefined);
    const refused = await fleet.addEdge({ ...tls, HALLEY_TLS_CERT: other.certFile }).catch(String);
    expect(refused).toContain('HALLEY_TLS_KEY');
    told.push(String(refused));
    const edges = JSON.parse(await call('/edges', API_KEY)) as { edges: { edgeId: string }[] };
    for (const { edgeId } of edges.edges) await call(`/edges/${edgeId}/events`, API_KEY);
    for (const { adminUrl } of [fleet.edge(), secure]) {
      told.push((await ask(new URL('/metrics', adminUrl))).text);
    }
    await call('/metrics', API_KEY);

    const all = [...told, ...[...fleet.edges, ...fleet.apis].map(({ output }) => output)].join(
      '\n',
    );
    // Told by all the places that are looked at: the log, events, metrics, frames, problems.
    for (const word of [
      'edge is up',
      'a backend did not answer about a right',
      '"kind":"refused"',
      'halley_refusals_total',
      'authorizer-unavailable',
      'unauthorized',
      'ECONNREFUSED',
    ]) {
      expect(all).toContain(word);
    }
    expect(keyLine.length).toBeGreaterThan(40);
    const tails = [RIGHT, WRONG, EXPIRED].map((token) => token.slice(-20));
    const secrets = [API_KEY, WRONG_KEY, TOKEN_SECRET, AUTHORIZE_SECRET, URL_SECRET, COOKIE];
    for (const secret of [...secrets, REDIS_PASSWORD, keyLine, ...tails]) {
      const at = all.indexOf(secret);
      expect(at === -1 ? '' : all.slice(Math.max(0, at - 200), at + 40)).toBe('');
    }
  });

  test('nor by a start that is refused', async () => {
    const wrong = { HALLEY_API_KEYS: `a:${API_KEY}`, HALLEY_TOKEN_KEYS: TOKEN_SECRET };
    const start = await fleet.addApi(wrong).catch((error: unknown) => error);
    expect(start).toBeInstanceOf(StartError);
    expect(String(start)).toContain('HALLEY_API_KEYS');
    expect(String(start)).not.toContain('7Q2mSECRET');
  });
});
