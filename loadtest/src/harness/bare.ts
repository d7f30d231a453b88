/** The bare side: uWS alone, or uWS, one script and one plain subscriber. */

import { fileURLToPath } from 'node:url';
import { type Dialect, postRequest } from './dialect.js';
import { Program } from './program.js';
import { BEARER } from './secrets.js';
import { type Fleet, type Stack, Stoppables, together } from './stack.js';

const EDGE = fileURLToPath(new URL('../bare/edge.js', import.meta.url));
const API = fileURLToPath(new URL('../bare/api.js', import.meta.url));
const PROBE = new URL('probe.js', import.meta.url).href;

/** The socket's topic is the end of its path: the bare edge says and reads nothing. */
const DIALECT: Dialect = {
  listen: (channels) => ({
    marker: '"type":"message"',
    sockets: channels.map((name) => ({ kind: 'ws', readyFrames: 0, target: `/topics/${name}` })),
  }),
  publish: (channel, data) => postRequest(`/channels/${channel}/messages`, { data }),
};

const BARE = { wsPort: 0, postPort: 0, bearer: BEARER, side: 'bare', dialect: DIALECT } as const;

/** uWS alone: its POST publishes in the same process. */
export async function startBareEdge(): Promise<Stack & { readonly edge: Program }> {
  const edge = await Program.start('edge', EDGE, { execArgv: ['--import', PROBE] });
  const ports = { wsPort: edge.port, postPort: edge.port };
  return { ...BARE, ...ports, edge, processes: [edge], stop: () => edge.stop() };
}

/** A uWS handler that runs one script. */
export async function startBareApi(): Promise<Stack> {
  const all = new Stoppables();
  const redis = await all.redis();
  const api = await all.add(Program.start('api', API, { args: [redis.url] }));
  return { ...BARE, postPort: api.port, processes: [api, redis], stop: () => all.stop() };
}

/** Both, with Redis between them. */
export function startBarePair(): Promise<Fleet> {
  return startBareFleet(1);
}

/** The same with several edges. */
export async function startBareFleet(count: number): Promise<Fleet> {
  const all = new Stoppables();
  const redis = await all.redis();
  const args = [redis.url];
  const edges: Program[] = [];
  while (edges.length < count) edges.push(await all.add(Program.start('edge', EDGE, { args })));
  const api = await all.add(Program.start('api', API, { args }));
  const wsPorts = edges.map(({ port }) => port);
  const ports = { wsPort: wsPorts[0] ?? 0, wsPorts, postPort: api.port };
  const processes = [together('edge', edges), api, redis];
  return { ...BARE, ...ports, processes, stop: () => all.stop() };
}
