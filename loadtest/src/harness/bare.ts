/** The bare side: uWS alone, or uWS, one script and one plain subscriber. */

import { fileURLToPath } from 'node:url';
import { liveOf } from '../bare/keys.js';
import { Program } from './program.js';
import { type Stack, Stoppables } from './stack.js';

const EDGE = fileURLToPath(new URL('../bare/edge.js', import.meta.url));
const API = fileURLToPath(new URL('../bare/api.js', import.meta.url));
const PROBE = new URL('probe.js', import.meta.url).href;

/** The bare programs read no key; they get the same bytes as ours. */
export const BEARER = 'bench-key';

const NONE = { wsPort: 0, postPort: 0, bearer: BEARER, side: 'bare' } as const;

/** uWS alone: its POST publishes in the same process. */
export async function startBareEdge(): Promise<Stack & { readonly edge: Program }> {
  const edge = await Program.start('edge', EDGE, { execArgv: ['--import', PROBE] });
  const ports = { wsPort: edge.port, postPort: edge.port };
  return { ...NONE, ...ports, edge, processes: [edge], stop: () => edge.stop() };
}

/** A uWS handler that runs one script. */
export async function startBareApi(): Promise<Stack> {
  const all = new Stoppables();
  const redis = await all.redis();
  const api = await all.add(Program.start('api', API, { args: [redis.url] }));
  return { ...NONE, postPort: api.port, processes: [api, redis], stop: () => all.stop() };
}

/** Both, with Redis between them. */
export async function startBarePair(channel: string): Promise<Stack> {
  const all = new Stoppables();
  const redis = await all.redis();
  const edgeArgs = [redis.url, liveOf(channel)];
  const edge = await all.add(Program.start('edge', EDGE, { args: edgeArgs }));
  const api = await all.add(Program.start('api', API, { args: [redis.url] }));
  const ports = { wsPort: edge.port, postPort: api.port };
  return { ...NONE, ...ports, processes: [edge, api, redis], stop: () => all.stop() };
}
