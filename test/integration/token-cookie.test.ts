/** Tokens in a cookie, which browsers send whatever page has caused the request. */

import { describe, expect, test } from 'vitest';
import { ask, httpUrl, openPush } from '../kit/http-wires.js';
import { connect, open } from '../kit/native-client.js';
import { tokenFor, useFleet } from '../kit/use-fleet.js';

const OWN = 'https://app.example';
const FOREIGN = 'https://evil.example';
const COOKIE = 'halley';

describe('the token cookie', () => {
  const stack = useFleet({
    edgeEnv: { HALLEY_TOKEN_COOKIE: COOKIE, HALLEY_ORIGINS: OWN, HALLEY_TRUST_CLIENT_IDS: '0' },
    config: { namespaces: { mine: {} } },
  });
  const token = tokenFor('ann', { subscribe: ['mine:*'], publish: ['mine:*'] });
  const Cookie = `theme=dark; ${COOKIE}=${token}; other=1`;
  const channel = 'mine:a';
  type Shown = Readonly<Record<string, string>>;

  /** Whether the cookie counted: nobody else may subscribe. */
  async function isLetIn(headers: Shown, query: Shown = {}): Promise<boolean> {
    const url = httpUrl(stack.ws(), '/v1/poll', { channel, wait: 0, ...query });
    const { text } = await ask(url, { headers });
    expect(text).toMatch(/"subscribed"|"forbidden"|"origin-refused"/);
    return text.includes('"subscribed"');
  }

  test.each([
    ['a page of an allowed origin', { origin: OWN }, 'ann'],
    ['no browser', {}, 'ann'],
    ['quotes around it', { origin: OWN, headers: { Cookie: `${COOKIE}="${token}"` } }, 'ann'],
    ['a longer name', { origin: OWN, headers: { Cookie: `x${COOKIE}=${token}` } }, undefined],
    ['another token beside it', { origin: OWN, token: tokenFor('bob') }, 'bob'],
  ])('WebSocket: %s', async (_, options, clientId) => {
    const client = await connect(stack.ws(), { headers: { Cookie }, ...options });
    expect((await client.welcomed()).clientId).toBe(clientId);
  });

  test('WebSocket: a page of another origin is turned away', async () => {
    const client = await open(stack.ws(), { origin: FOREIGN, headers: { Cookie } });
    expect((await client.closed).code).toBe(4001);
  });

  test('a cookie that is no token is refused as any token is', async () => {
    const headers = { Cookie: `${COOKIE}=${token}x` };
    const client = await open(stack.ws(), { origin: OWN, headers });
    expect((await client.closed).code).toBe(4301);
  });

  test.each<[string, boolean, Shown]>([
    ['an allowed origin', true, { Origin: OWN }],
    ['an allowed origin of another site', true, { Origin: OWN, 'Sec-Fetch-Site': 'cross-site' }],
    ['another origin', false, { Origin: FOREIGN }],
    ['a sandboxed page', false, { Origin: 'null' }],
    ['its own origin', true, { 'Sec-Fetch-Site': 'same-origin' }],
    ['another origin of the site', false, { 'Sec-Fetch-Site': 'same-site' }],
    ['another site', false, { 'Sec-Fetch-Site': 'cross-site' }],
    ['no page', false, { 'Sec-Fetch-Site': 'none' }],
    ['who knows what', false, {}],
  ])('HTTP: a request from %s: %s', async (_, counts, headers) => {
    expect(await isLetIn({ Cookie, ...headers })).toBe(counts);
    expect(await isLetIn({ Cookie, ...headers }, { callback: 'f' })).toBe(counts);
  });

  test('HTTP: all native wires take it', async () => {
    const headers = { Cookie, Origin: OWN };
    for (const path of ['/v1/sse', '/v1/stream']) {
      const push = await openPush(httpUrl(stack.ws(), path, { channel }), headers);
      await push.next('subscribed');
      expect(push.response.headers['access-control-allow-credentials']).toBe('true');
      expect(push.response.headers['access-control-allow-origin']).toBe(OWN);
      push.close();
    }
    const body = JSON.stringify({ type: 'publish', ref: 1, channel, data: 1 });
    const frames = httpUrl(stack.ws(), '/v1/frames');
    expect((await ask(frames, { method: 'POST', headers, body })).text).toContain('published');
    const forged = { method: 'POST', headers: { Cookie, 'Sec-Fetch-Site': 'cross-site' }, body };
    expect((await ask(frames, forged)).text).toContain('forbidden');
  });
});
