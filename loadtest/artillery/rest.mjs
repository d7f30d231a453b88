/** The calls of a backend. */

import { numberSetting, setting } from './settings.mjs';

const CALL_DEADLINE_MS = 10_000;

let edges;
let nextEdge = 0;

/** The edges in turn. @returns `ws://host:port/v1/ws` */
export async function nextSocketUrl() {
  edges ??= listEdges();
  const known = await edges;
  const url = new URL('/v1/ws', known[nextEdge++ % known.length]);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

async function listEdges() {
  const given = setting('HALLEY_EDGE_URLS');
  if (given !== '') return given.split(',');
  const { edges } = await call('GET', '/edges');
  if (edges.length === 0) throw new Error('the api lists no edge');
  return edges.map(({ url }) => url);
}

/** A token for one channel. */
export async function tokenFor(clientId, channel) {
  const given = setting('HALLEY_TOKEN');
  if (given !== '') return given;
  const ttlSeconds = numberSetting('HALLEY_SECONDS') + 300;
  const rights = { subscribe: [channel], publish: [channel] };
  const { token } = await call('POST', '/tokens', { clientId, ttlSeconds, ...rights });
  return token;
}

export function publish(channel, data) {
  return call('POST', `/channels/${encodeURIComponent(channel)}/messages`, { data });
}

/** @throws Error with the status of a refusal */
async function call(method, path, body) {
  const answer = await fetch(setting('HALLEY_TARGET') + path, {
    method,
    headers: {
      authorization: `Bearer ${setting('HALLEY_KEY')}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CALL_DEADLINE_MS),
  });
  if (!answer.ok) throw new Error(`${method} ${path.split('/')[1]}: ${answer.status}`);
  return answer.json();
}
