/** Our side: the built edge and api as an operator starts them, with a Redis between them. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EDGE_NODE_FLAGS } from '@halley/shared/config';
import { websocket } from '../wires/wires.js';
import { type Dialect, postRequest } from './dialect.js';
import { freePort } from './ports.js';
import { Program } from './program.js';
import { BEARER, TOKEN_SECRET } from './secrets.js';
import { type Fleet, type Stack, Stoppables, together } from './stack.js';

const APPS = new URL('../../../apps/', import.meta.url);
const EDGE = fileURLToPath(new URL('edge/dist/main.js', APPS));
const API = fileURLToPath(new URL('api/dist/main.js', APPS));
const PROBE = new URL('probe.js', import.meta.url).href;

export interface Ours extends Stack {
  readonly edge: Program;
  readonly megacometPort: number;
}

/** `bench:` is open to all, as the bare part is; `held:` needs a right of the token. */
const CONFIG = {
  // Longer than anybody is away.
  queueSeconds: 600,
  namespaces: {
    bench: { subscribe: 'anyone', publish: 'anyone', history: 'anyone' },
    held: { subscribe: 'token' },
    // Who comes and goes is told to the others.
    room: { subscribe: 'anyone', members: true, joinLeave: true },
    icomet: { subscribe: 'anyone', publish: 'anyone', icomet: true },
    // All that comes while an edge is away.
    sdk: { subscribe: 'anyone', historySize: 10_000 },
    crowd: { subscribe: 'token', historySize: 10_000 },
  },
};

const ENV: Readonly<Record<string, string>> = {
  NODE_ENV: 'production',
  HALLEY_API_KEYS: `bench:${BEARER}:admin`,
  HALLEY_TOKEN_SECRET: TOKEN_SECRET,
  HALLEY_EDGE_PORT: '0',
  HALLEY_EDGE_ADMIN_PORT: '0',
  HALLEY_EDGE_INDEX: '0',
  HALLEY_API_PORT: '0',
  HALLEY_LOG_LEVEL: 'warn',
  HALLEY_DRAIN_SECONDS: '1',
  HALLEY_DRAIN_GRACE_MS: '0',
  // The clients of MegaComet show no token.
  // All of the load comes from one address.
  HALLEY_ADDRESS_MAX_CONNECTIONS: '1000000',
  // A bench asks as often as it is answered.
  HALLEY_RATE_SUBSCRIBE: '1000000',
  HALLEY_RATE_READ: '1000000',
  HALLEY_TRUST_CLIENT_IDS: '1',
  HALLEY_ICOMET: '1',
  UWS_HTTP_MAX_HEADERS_SIZE: '16384',
};

const DIALECT: Dialect = {
  listen: (channels) => websocket.listen(channels),
  publish: (channel, data) => postRequest(`/channels/${channel}/messages`, { data }),
};

/** The api and Redis alone: what a publish takes while nobody is subscribed. */
export async function startOurApi(): Promise<Stack> {
  const all = new Stoppables();
  const { api, redis } = await startApi(all);
  return stackOf(all, { postPort: api.port, wsPort: 0, processes: [api, redis] });
}

/** The whole path, one process of each. */
export async function startOurs(): Promise<Ours> {
  const all = new Stoppables();
  const { api, redis, env } = await startApi(all);
  // uWS cannot say which port it was given beside its first one.
  const megacometPort = await freePort();
  const edgeEnv = { ...env, HALLEY_MEGACOMET_PORT: String(megacometPort) };
  const edge = await all.add(startEdge(edgeEnv, ['--import', PROBE]));
  const ports = { postPort: api.port, wsPort: edge.port };
  return { ...stackOf(all, { ...ports, processes: [edge, api, redis] }), edge, megacometPort };
}

/** The whole path, with several edges. */
export async function startOurFleet(count: number): Promise<Fleet> {
  const all = new Stoppables();
  const { api, redis, env } = await startApi(all);
  const edges: Program[] = [];
  while (edges.length < count) {
    const edgeEnv = { ...env, HALLEY_EDGE_INDEX: String(edges.length) };
    edges.push(await all.add(startEdge(edgeEnv)));
  }
  const wsPorts = edges.map(({ port }) => port);
  const processes = [together('edge', edges), api, redis];
  return { ...stackOf(all, { postPort: api.port, wsPort: wsPorts[0] ?? 0, processes }), wsPorts };
}

/** The api and Redis, for edges with these settings, and with others on top of them. */
export async function startApi(all: Stoppables, settings: Readonly<Record<string, string>> = {}) {
  const redis = await all.redis();
  const config = await all.add(ConfigFile.write(CONFIG));
  const env = { ...ENV, ...settings, REDIS_URL: redis.url, HALLEY_CONFIG: config.path };
  const api = await all.add(
    Program.start('api', API, { env, execArgv: flagsOf('BENCH_API_FLAGS') }),
  );
  return { api, redis, env };
}

/** An edge as `halley start` starts it; the flags of the bench come last, so that they win. */
export function startEdge(
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Program> {
  const execArgv = [...EDGE_NODE_FLAGS, ...flags, ...flagsOf('BENCH_EDGE_FLAGS')];
  return Program.start('edge', EDGE, { env, execArgv });
}

/** Flags of Node: a profile shows what the figures do not. */
function flagsOf(variable: 'BENCH_API_FLAGS' | 'BENCH_EDGE_FLAGS'): string[] {
  return (process.env[variable] ?? '').split(' ').filter((flag) => flag !== '');
}

function stackOf(all: Stoppables, parts: Pick<Stack, 'postPort' | 'wsPort' | 'processes'>): Stack {
  return { side: 'ours', dialect: DIALECT, bearer: BEARER, ...parts, stop: () => all.stop() };
}

class ConfigFile {
  readonly path: string;
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
    this.path = join(dir, 'halley.json');
  }

  static async write(config: unknown): Promise<ConfigFile> {
    const file = new ConfigFile(await mkdtemp(join(tmpdir(), 'halley-bench-')));
    await writeFile(file.path, JSON.stringify(config));
    return file;
  }

  stop(): Promise<void> {
    return rm(this.#dir, { recursive: true, force: true });
  }
}
