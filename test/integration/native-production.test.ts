import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Fleet, StartError, startFleet } from '../kit/fleet.js';
import { connect, open } from '../kit/native-client.js';
import { RestClient } from '../kit/rest.js';
import { useFleet } from '../kit/use-fleet.js';
import { within } from '../kit/wait.js';

const API_KEY = 'a-secret-of-the-test-0123456789abcdef';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const PUBLIC_PEM = publicKey.export({ type: 'spki', format: 'pem' }).toString();

function eddsaToken(claims: object): string {
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const parts = [{ alg: 'EdDSA' }, { exp, ...claims }].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signed = parts.join('.');
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

describe('production mode', () => {
  const stack = useFleet({
    env: {
      NODE_ENV: 'production',
      HALLEY_API_KEYS: `ops:${API_KEY}:admin`,
      HALLEY_TOKEN_KEYS: PUBLIC_PEM.replaceAll('\n', '\\n'),
    },
  });

  test('N-6 client= is closed with 4002', async () => {
    const client = await open(stack.ws(), { client: 'ann' });
    const { code, reason } = await within(client.closed, 'the edge closes the connection');
    expect(code).toBe(4002);
    expect(reason).toMatch(/^bad-client: /);
  });

  test('N-7 an Origin of another host is closed with 4001; that of the same host passes', async () => {
    for (const origin of ['http://evil.example', 'http://127.0.0.1', 'null']) {
      const client = await open(stack.ws(), { origin });
      const { code, reason } = await within(client.closed, 'the edge closes the connection');
      expect([origin, code]).toEqual([origin, 4001]);
      expect(reason).toMatch(/^origin-refused: /);
    }
    await connect(stack.ws(), { origin: stack.edge().url });
    await connect(stack.ws());
  });

  test('N-5 a token under a public key is taken, and one by its text as a secret is not', async () => {
    const client = await connect(stack.ws(), { token: eddsaToken({ sub: 'ann' }) });
    expect(await client.welcomed()).toMatchObject({ clientId: 'ann' });
    const [header, payload] = eddsaToken({ sub: 'ann' }).split('.');
    const other = await open(stack.ws(), { token: `${header}.${payload}.AAAA` });
    expect(await within(other.closed, 'it is closed')).toMatchObject({ code: 4301 });
    const expired = await open(stack.ws(), { token: eddsaToken({ sub: 'ann', exp: 1_000 }) });
    expect(await within(expired.closed, 'it is closed')).toMatchObject({ code: 4300 });
  });

  test('N-21 nothing is open to those without a token', async () => {
    const client = await connect(stack.ws());
    for (const channel of ['demo:a', 'a', 'news:a']) {
      const refused = await client.request({ type: 'subscribe', channel });
      expect(refused).toMatchObject({ code: 'forbidden', channel });
    }
  });

  test('the key of development is no key here', async () => {
    const rest = new RestClient(stack.fleet.api().url);
    expect(await rest.get('/edges')).toMatchObject({ status: 401 });
    const own = new RestClient(stack.fleet.api().url, { key: API_KEY });
    expect(await own.get('/edges')).toMatchObject({ status: 200 });
  });

  test('a start without keys is refused, and all problems are named at once', async () => {
    const error = await refusedStart({ NODE_ENV: 'production', HALLEY_SLOW_READER_BYTES: '1' });
    expect(error.line).toContain('HALLEY_API_KEYS must be set in production');
    expect(error.line).toContain('HALLEY_TOKEN_SECRET or HALLEY_TOKEN_KEYS must be set');
    expect(error.line).toContain('HALLEY_SLOW_READER_BYTES');
  });

  test('a start with the keys of development is refused', async () => {
    const error = await refusedStart({
      NODE_ENV: 'production',
      HALLEY_API_KEYS: 'dev-key',
      HALLEY_TOKEN_SECRET: 'dev-secret',
    });
    expect(error.line).toContain('HALLEY_API_KEYS must not hold dev-key');
    expect(error.line).toContain('HALLEY_TOKEN_SECRET must not be dev-secret');
  });

  test('development on another address than loopback needs keys of its own', async () => {
    const error = await refusedStart({ HALLEY_HOST: '0.0.0.0' });
    expect(error.line).toContain('HALLEY_API_KEYS must be set for HALLEY_HOST 0.0.0.0');
  });

  async function refusedStart(env: Record<string, string>): Promise<StartError> {
    const redisUrl = stack.redis.url;
    const start: Promise<Fleet> = startFleet({ redisUrl, edges: 1, apis: 0, env });
    const error = await start.then(
      async (fleet) => {
        await fleet.stop();
        return null;
      },
      (reason: unknown) => reason,
    );
    if (error instanceof StartError) return error;
    throw new Error(`the edge started, or failed otherwise: ${String(error)}`);
  }
});
