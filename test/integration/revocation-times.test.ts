/** How soon a revocation and a kick reach those who are connected, on each wire. */

import { generateKeyPairSync } from 'node:crypto';
import { banMember, clientMember } from '@halley/shared/auth';
import { REVOKED_KEY } from '@halley/shared/redis';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DpsPort } from '../kit/dps-client.js';
import { ask, httpUrl, openPush } from '../kit/http-wires.js';
import { openMegacomet, requestOf } from '../kit/megacomet-client.js';
import { connect, open } from '../kit/native-client.js';
import { freePort } from '../kit/ports.js';
import { counterOf } from '../kit/streams.js';
import { FleetUnderTest } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

/** What is promised; a test waits five times as long, and prints the longest that it saw. */
const PROMISED_MS = 2_000;
const RELOAD_MS = 500;
/** Later than any of them is waited for: a request that is given up is not one that was ended. */
const FAR_MS = 60_000;
const FAR_SECONDS = 4_000_000_000;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

interface Begun {
  /** Resolves when the client has lost what it had. */
  readonly lost: Promise<unknown>;
}

type Wire = (channel: string, token: string) => Promise<Begun>;

describe('revocations and kicks reach every wire', () => {
  let system: FleetUnderTest;
  let megacometPort: number;
  let longestMs = 0;
  let names = 0;

  beforeAll(async () => {
    megacometPort = await freePort();
    system = new FleetUnderTest({
      config: { namespaces: { room: { icomet: true } } },
      env: { HALLEY_TOKEN_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })) },
      edgeEnv: {
        HALLEY_MEGACOMET_PORT: String(megacometPort),
        HALLEY_REVOKED_RELOAD_MS: String(RELOAD_MS),
      },
    });
    await system.start();
  });
  afterAll(async () => {
    await system.stop();
  });

  /** Whichever comes: to be told, or to be cut. */
  const endOf = (client: {
    readonly closed: Promise<unknown>;
    next(type: 'unsubscribed'): Promise<unknown>;
  }) => Promise.race([client.closed, client.next('unsubscribed').catch(() => client.closed)]);

  const push =
    (path: string): Wire =>
    async (channel, token) => {
      const stream = await openPush(httpUrl(system.ws(), path, { channel, token }));
      await stream.next('subscribed');
      return { lost: endOf(stream) };
    };
  /** Resolves with the answer to a request that waits for one. */
  const waiting = (url: URL, method = 'GET'): Begun => ({
    lost: ask(url, { method, deadlineMs: FAR_MS }).catch(() => 'cut'),
  });

  const WIRES: Readonly<Record<string, Wire>> = {
    async websocket(channel, token) {
      const client = await connect(system.ws(), { token });
      await client.subscribe(channel);
      return { lost: endOf(client) };
    },
    sse: push('/v1/sse'),
    stream: push('/v1/stream'),
    async poll(channel, token) {
      const url = httpUrl(system.ws(), '/v1/poll', { channel, token });
      const { cursor } = JSON.parse((await ask(url)).text) as { cursor: string };
      url.searchParams.set('cursor', cursor);
      return waiting(url);
    },
    async icomet(channel, token) {
      const url = httpUrl(system.ws(), '/icomet/stream', { cname: channel, seq: 1, token });
      // Its head comes with its first message.
      return waiting(url);
    },
    async 'dps poll'(channel, token) {
      const query = { session: token.slice(-20), channels: channel, token };
      return waiting(httpUrl(system.ws(), '/dps/poll', query), 'POST');
    },
    async 'dps socket'(channel, token) {
      const socket = await new DpsPort(system.edge().port).socket({ channels: channel, token });
      return { lost: socket.closed };
    },
  };

  const signed = (clientId: string) =>
    new SignJWT({ sub: clientId, subscribe: ['room:*'], jti: `${clientId}-1` })
      .setProtectedHeader({ alg: 'EdDSA' })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);

  interface Held {
    readonly clientId: string;
    readonly channel: string;
    readonly token: string;
    readonly lost: Promise<unknown>;
  }

  /** A client of one wire that has its channel. */
  async function hold(wire: Wire): Promise<Held> {
    names += 1;
    const clientId = `c${names}`;
    const channel = `room:${names}`;
    const token = await signed(clientId);
    const { lost } = await wire(channel, token);
    const isHeld = async () => {
      const { body } = await system.rest.get(`/channels/${channel}`);
      return (body as { subscribers?: number }).subscribers === 1;
    };
    await eventually(isHeld, `${clientId} holds ${channel}`);
    return { clientId, channel, token, lost };
  }

  async function timed(held: Held, wire: string, act: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    await act();
    await within(held.lost, `${wire} is told`, 5 * PROMISED_MS);
    longestMs = Math.max(longestMs, performance.now() - startedAt);
  }

  const revoke = ({ clientId }: Held) => system.rest.post(`/clients/${clientId}/revoke`, {});
  const write = (member: string) => system.redis.client.zadd(REVOKED_KEY, FAR_SECONDS, member);
  const ACTS: Readonly<Record<string, (held: Held) => Promise<unknown>>> = {
    'a client is revoked': revoke,
    'a token is revoked': ({ clientId }) => system.rest.delete(`/tokens/${clientId}-1`),
    kicked: ({ channel, clientId }) =>
      // With a ban: it finds a subscription that has not quite begun, too.
      system.rest.delete(`/channels/${channel}/members/${clientId}`, { seconds: 600 }),
    // As after a control message that was lost.
    'a revocation without a word': ({ clientId }) => write(clientMember(clientId, FAR_SECONDS)),
    'a ban without a word': ({ channel, clientId }) => write(banMember(channel, clientId)),
  };

  test.each(Object.keys(ACTS))('%s', async (name) => {
    const act = ACTS[name];
    if (act === undefined) throw new Error(name);
    await Promise.all(
      Object.entries(WIRES).map(async ([wire, begin]) => {
        const held = await hold(begin);
        await timed(held, wire, () => act(held));
      }),
    );
  });

  test('MegaComet: a parked client is let go', async () => {
    const clientId = 'parked';
    const token = await signed(clientId);
    const before = await counterOf(system.edge(), 'halley_connections');
    const parked = await openMegacomet(megacometPort, requestOf(`/${clientId}.js?token=${token}`));
    const isThere = async () => (await counterOf(system.edge(), 'halley_connections')) > before;
    await eventually(isThere, 'it is parked');
    const held = { clientId, token, channel: '', lost: parked.closed };
    await timed(held, 'megacomet', () => revoke(held));
  });

  test('a verified token that is remembered gets nobody in again', async () => {
    const held = await hold(WIRES['websocket'] as Wire);
    await timed(held, 'websocket', () => revoke(held));
    const again = await open(system.ws(), { token: held.token });
    expect((await again.closed).code).toBe(4302);
    const frames = httpUrl(system.ws(), '/v1/frames', { token: held.token });
    const body = JSON.stringify({ type: 'history', ref: 1, channel: held.channel });
    const refused = await ask(frames, { method: 'POST', body });
    expect([refused.status, refused.text.includes('token-revoked')]).toEqual([401, true]);
    process.stdout.write(`revocations and kicks: at most ${Math.round(longestMs)} ms\n`);
  });
});
