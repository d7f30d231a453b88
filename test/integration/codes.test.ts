/** Every code of the table, provoked over the network and read from what a caller or a client gets. */

import { generateKeyPairSync } from 'node:crypto';
import { CODES, type Code } from '@halley/shared/protocol';
import { channelKeys } from '@halley/shared/redis';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import { ask, httpUrl, type Query } from '../kit/http-wires.js';
import {
  type Closed,
  connect,
  type NativeClient,
  type OpenOptions,
  type Outgoing,
  open,
} from '../kit/native-client.js';
import { rawRequest } from '../kit/raw-http.js';
import { type Exchange, field, RestClient } from '../kit/rest.js';
import { channelIn, claimsOf, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';

const ORIGIN = 'https://allowed.example';
const REDIS_TIMEOUT_MS = 300;
const BODY_MAX_BYTES = 100_000;
const EARLY_MAX_MESSAGES = 64;
const LARGE = 'x'.repeat(60_000);
const SLOW_READER_DEADLINE_MS = 50_000;
const TEST_DEADLINE_MS = 60_000;
const CONFIG = {
  queueMaxMessages: 1,
  namespaces: {
    closed: {},
    // Nobody listens there.
    asked: { authorizeUrl: 'http://127.0.0.1:1/' },
    bare: { subscribe: 'anyone', history: 'anyone', presence: 'anyone', historySize: 0 },
  },
};

describe('every code of the table', () => {
  const stack = useFleet({
    config: CONFIG,
    env: {
      HALLEY_REDIS_TIMEOUT_MS: String(REDIS_TIMEOUT_MS),
      HALLEY_AUTHORIZE_SECRET: 'own',
    },
    edgeEnv: { HALLEY_ORIGINS: ORIGIN, HALLEY_CONNECTION_MAX_CHANNELS: '1' },
    apiEnv: { HALLEY_BODY_MAX_BYTES: String(BODY_MAX_BYTES) },
  });

  let limited: ReturnType<typeof stack.fleet.addEdge> | undefined;

  /** How it is provoked; resolves with the code that was read. The type holds the table complete. */
  const PROVOKED: Readonly<Record<Code, () => Promise<unknown>>> = {
    disconnected: async () => {
      const client = await connect(stack.ws(), { client: 'ann' });
      await stack.rest.post('/clients/ann/disconnect', {});
      return codeOfClose(client);
    },
    'origin-refused': () => codeAtDoor({ origin: 'https://other.example' }),
    'bad-client': () => codeAtDoor({ client: '' }),
    'protocol-broken': async () => {
      const edge = await stack.fleet.addEdge({ HALLEY_REDIS_TIMEOUT_MS: '30000' });
      return whileRedisStands(async () => {
        const client = await open(edge.wsUrl, { client: 'ann' });
        for (let sent = 0; sent <= EARLY_MAX_MESSAGES; sent += 1) client.send({ type: 'ping' });
        return codeOfClose(client);
      });
    },
    'bad-position': () => codeOf({ type: 'ack', id: 'latest' }),
    'presence-unavailable': () => whileRedisStands(() => codeAtDoor({ client: 'ann' })),
    'too-many-connections': async () => {
      const { wsUrl } = await limitedEdge();
      await connect(wsUrl, { client: 'ann' });
      return codeOfClose(await open(wsUrl, { client: 'ann' }));
    },
    'edge-full': async () => {
      const client = await connect((await limitedEdge()).wsUrl);
      await client.subscribe('demo:a');
      return codeOf({ type: 'subscribe', channel: 'demo:b' }, client);
    },
    'rate-limited': async () => {
      const client = await connect((await limitedEdge()).wsUrl);
      await client.publish('demo:a', 1);
      return codeOf({ type: 'publish', channel: 'demo:a', data: 2 }, client);
    },
    'slow-reader': slowReader,
    draining: async () => {
      const edge = await stack.fleet.addEdge({ HALLEY_DRAIN_SECONDS: '0' });
      const client = await connect(edge.wsUrl);
      const exit = edge.terminate();
      const code = await codeOfClose(client);
      await exit;
      return code;
    },
    'token-expired': () =>
      codeAtDoor({ token: tokenFor('ann', { ttlSeconds: 1 }, Date.now() - 60_000) }),
    'bad-token': () => codeAtDoor({ token: 'x' }),
    'token-revoked': async () => {
      const token = tokenFor('ann');
      const client = await connect(stack.ws(), { token });
      await stack.rest.delete(`/tokens/${String(claimsOf(token)['jti'])}`);
      return codeOfClose(client);
    },

    'bad-json': () => codeOfText('{'),
    'bad-framing': async () => {
      const head = ['POST /v1/frames HTTP/1.1', 'Host: x', 'Transfer-Encoding: gzip, chunked'];
      const { body } = await rawRequest(stack.edge().port, `${head.join('\r\n')}\r\n\r\n`);
      return JSON.parse(body).code;
    },
    'bad-frame': () => codeOfText('[7]'),
    'unknown-type': () => codeOf({ type: 'shout' }),
    'missing-field': () => codeOf({ type: 'subscribe' }),
    'bad-field': () => codeOf({ type: 'history', channel: 'demo:a', limit: 0 }),
    'bad-channel': () => codeOf({ type: 'subscribe', channel: 'a b' }),
    'bad-query': async () => codeOfProblem(await stack.rest.get('/channels?limit=0')),
    'bad-cursor': () => codeOfHttp('/v1/poll', { channel: 'demo:a', cursor: '2~_' }),
    'bad-callback': () => codeOfHttp('/v1/poll', { channel: 'demo:a', callback: 'alert(1)' }),
    'connection-needed': () =>
      codeOfHttp('/v1/frames', {}, JSON.stringify({ type: 'auth', ref: 1, token: 'x' })),
    'too-many-frames': () => codeOfText(JSON.stringify(Array(129).fill({ type: 'ping' }))),
    'frame-too-large': () => codeOfText('x'.repeat(131_073)),
    'payload-too-large': () =>
      codeOf({ type: 'publish', channel: 'demo:a', data: 'x'.repeat(65_535) }),
    'body-too-large': async () =>
      codeOfProblem(await stack.rest.publish('demo:a', 'x'.repeat(BODY_MAX_BYTES))),
    'too-many-channels': async () => {
      const client = await connect(stack.ws());
      await client.subscribe('demo:a');
      return codeOf({ type: 'subscribe', channel: 'demo:b' }, client);
    },
    'not-subscribed': () => codeOf({ type: 'unsubscribe', channel: 'demo:a' }),
    forbidden: () => codeOf({ type: 'subscribe', channel: 'closed:a' }),
    'authorizer-unavailable': () => codeOf({ type: 'subscribe', channel: 'asked:a' }),
    banned: async () => {
      const client = await connect(stack.ws(), { client: 'eve' });
      await stack.rest.delete('/channels/demo:banned/members/eve', { seconds: 600 });
      // The ban reaches the edges by a message, after REST has answered.
      return eventually(async () => {
        const answer = await client.request({ type: 'subscribe', channel: 'demo:banned' });
        if (answer.type === 'subscribed') await client.unsubscribe('demo:banned');
        return answer.type === 'error' && answer.code;
      }, 'the ban is known');
    },
    kicked: async () => {
      const client = await connect(stack.ws(), { client: 'eve' });
      const channel = channelIn('demo');
      await client.subscribe(channel);
      await stack.rest.delete(`/channels/${channel}/members/eve`);
      return (await client.next('unsubscribed')).code;
    },
    'members-disabled': () => codeOf({ type: 'members', channel: 'bare:a' }),
    'history-disabled': () => codeOf({ type: 'history', channel: 'bare:a' }),

    'signing-disabled': async () => {
      const { publicKey } = generateKeyPairSync('ed25519');
      const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
      const api = await stack.fleet.addApi({ HALLEY_TOKEN_KEYS: pem.replaceAll('\n', '\\n') });
      return codeOfProblem(await new RestClient(api.url).post('/tokens', { clientId: 'ann' }));
    },
    unauthorized: async () =>
      codeOfProblem(await new RestClient(stack.fleet.api().url, { key: null }).get('/edges')),
    'not-found': async () => codeOfProblem(await stack.rest.get('/nowhere')),
    'method-not-allowed': async () => codeOfProblem(await stack.rest.post('/edges', {})),
    'unsupported-media-type': async () => {
      const headers = { 'content-type': 'text/plain' };
      const path = '/channels/demo:a/messages';
      return codeOfProblem(await stack.rest.call('POST', path, { text: '{"data":1}', headers }));
    },
    'queue-full': async () => {
      await stack.rest.publishPrivate('absent', 1);
      return codeOfProblem(await stack.rest.publishPrivate('absent', 2));
    },
    overloaded: async () => {
      const { url } = await stack.fleet.addApi({ HALLEY_PUBLISH_MAX_PENDING: '1' });
      const rest = new RestClient(url);
      return whileRedisStands(async () => {
        const answers = await Promise.all([1, 2].map((data) => rest.publish('demo:a', data)));
        return codeOfProblem(answers.find(({ status }) => status === 429) as Exchange);
      });
    },
    unavailable: () => whileRedisStands(() => codeOf({ type: 'history', channel: 'demo:a' })),
    'outcome-unknown': () =>
      whileRedisStands(() => codeOf({ type: 'publish', channel: 'demo:a', data: 1 })),
    internal: async () => {
      // What Halley never writes stands where a log should be.
      await stack.redis.client.set(channelKeys('demo:foreign').log, 'no stream');
      return codeOfProblem(await stack.rest.get('/channels/demo:foreign/messages'));
    },
  };

  test.each(Object.keys(CODES) as Code[])(
    '%s',
    async (code) => {
      expect(await PROVOKED[code]()).toBe(code);
    },
    TEST_DEADLINE_MS,
  );

  async function codeOf(frame: Outgoing, client?: NativeClient): Promise<Code> {
    const answer = await (client ?? (await connect(stack.ws()))).request(frame);
    if (answer.type === 'error') return answer.code;
    throw new Error(`answered by ${answer.type}`);
  }

  async function codeOfText(text: string): Promise<Code> {
    const client = await connect(stack.ws());
    client.sendText(text);
    return (await client.next('error')).code;
  }

  /** That takes one of each. */
  function limitedEdge() {
    limited ??= stack.fleet.addEdge({
      HALLEY_CLIENT_MAX_CONNECTIONS: '1',
      HALLEY_CONNECTION_MAX_CHANNELS: '2',
      HALLEY_EDGE_MAX_CHANNELS: '1',
      HALLEY_RATE_PUBLISH: '1',
      HALLEY_RATE_PUBLISH_BURST: '1',
    });
    return limited;
  }

  async function codeAtDoor(options: OpenOptions): Promise<Code> {
    return codeOfClose(await open(stack.ws(), options));
  }

  /** Of a request to an edge; `body` makes it a POST. */
  async function codeOfHttp(path: string, query: Query, body?: string): Promise<string> {
    const post = body === undefined ? {} : { method: 'POST', body };
    const { status, text } = await ask(httpUrl(stack.ws(), path, query), post);
    const { code } = JSON.parse(text) as { code: Code };
    expect(status).toBe((CODES[code] as { status?: number }).status);
    return code;
  }

  async function slowReader(): Promise<Code> {
    const client = await connect(stack.ws());
    const { edgeId, connectionId } = await client.welcomed();
    const channel = channelIn('demo');
    await client.subscribe(channel);
    client.socket.pause();
    // It does not read, so the reason is read where the operator looks.
    return eventually(
      async () => {
        // One by one: far more within 250 ms would be cut by uWebSockets.js, which has no code.
        await stack.rest.publish(channel, LARGE);
        const { body } = await stack.rest.get(`/edges/${edgeId}/events`);
        const { events } = body as { events: { connectionId?: string; code: Code }[] };
        return events.find((event) => event.connectionId === connectionId)?.code;
      },
      'the slow reader is cut',
      SLOW_READER_DEADLINE_MS,
    );
  }

  /** Runs it while Redis answers nobody, and waits until the fleet is well again. */
  async function whileRedisStands<T>(run: () => Promise<T>): Promise<T> {
    const { server } = stack.redis;
    server.pause();
    try {
      return await run();
    } finally {
      server.resume();
      for (const { url } of [stack.edge(), stack.fleet.api()]) {
        await eventually(() => isReady(url), 'the fleet is ready again', 30_000);
      }
    }
  }
});

async function isReady(url: string): Promise<boolean> {
  const { statusCode, body } = await request(`${url}/readyz`);
  await body.dump();
  return statusCode === 200;
}

async function codeOfClose(client: NativeClient): Promise<Code> {
  const closed: Closed = await within(client.closed, 'the edge closes the connection');
  const entries = Object.entries(CODES) as [Code, { readonly close?: number }][];
  const found = entries.find(([, { close }]) => close === closed.code);
  // The name begins the reason, too.
  if (found !== undefined && closed.reason.startsWith(found[0])) return found[0];
  throw new Error(`closed with ${closed.code} ${closed.reason}`);
}

function codeOfProblem(exchange: Exchange): string {
  expect(exchange.headers['content-type']).toBe('application/problem+json');
  const code = field(exchange, 'code');
  expect(exchange.status).toBe((CODES[code as Code] as { status?: number }).status);
  return code;
}
