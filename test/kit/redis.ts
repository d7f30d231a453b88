/** A Redis of the test's own: a private `redis-server`, or a container where an image is named. */

import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from './child.js';
import { freePort } from './ports.js';
import { Connections, type TestRedis } from './redis-connections.js';
import { launchPlain } from './redis-launch.js';
import { type Launch, launchProcess, type RedisServer } from './redis-server.js';

export type { CommandCalls, TestRedis } from './redis-connections.js';

/** The server settings that Halley asks for, the same as the embedded default. */
const SETTINGS: readonly string[] = [
  'maxmemory-policy noeviction',
  'stream-node-max-bytes 512',
  'client-output-buffer-limit pubsub 256mb 64mb 60',
];
const START_ATTEMPTS = 5;
const READY = 'Ready to accept connections';
const AOF_FOLDER = 'appendonlydir';
const DATA_FILES = [AOF_FOLDER, 'dump.rdb'];
const BACKUP_FOLDER = 'backup';

/** PEM texts of a server. */
export interface ServerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface TestRedisOptions {
  /** Keeps an append-only file, so that `restart` finds the data again. */
  readonly persistent?: boolean;
  /** Further lines of the server's configuration. */
  readonly settings?: readonly string[];
  /** Default: a random one. The nodes of a cluster share theirs. */
  readonly password?: string;
  /** TLS only: there is no plain port. */
  readonly tls?: ServerTls;
  /** Default: any free one. */
  readonly port?: number;
  /** Texts of files that are in its folder when it starts, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface RestartOptions {
  /** Default: kept, as far as the server is persistent; `older`: that of the last `backup`. */
  readonly data?: 'kept' | 'lost' | 'older';
}

/** A Redis that a test may take away. */
export interface FaultyRedis extends TestRedis {
  readonly port: number;
  /** The life that runs now, or ran last. */
  readonly server: RedisServer;
  /** Stops it as a swapped-out machine would: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Keeps the data of now aside, where it is persistent. */
  backup(): Promise<void>;
  /** SIGKILL and a new start with the same port, password and, when persistent, data. */
  restart(options?: RestartOptions): Promise<void>;
}

/** One that is a process of this machine in any case. */
export interface PrivateRedis extends FaultyRedis {
  readonly server: Child;
}

/** Starts the Redis that the test run is configured for: `HALLEY_TEST_REDIS_IMAGE` or a process. */
export function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  return startOwnRedis(launchPlain, options);
}

export function startPrivateRedis(options: TestRedisOptions = {}): Promise<PrivateRedis> {
  return startOwnRedis(launchProcess, options);
}

export async function startOwnRedis<S extends RedisServer>(
  launch: Launch<S>,
  options: TestRedisOptions,
): Promise<FaultyRedis & { readonly server: S }> {
  const dir = await mkdtemp(join(tmpdir(), 'halley-redis-'));
  try {
    return await startIn(dir, launch, options);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

async function startIn<S extends RedisServer>(
  dir: string,
  launch: Launch<S>,
  options: TestRedisOptions,
): Promise<FaultyRedis & { readonly server: S }> {
  const password = options.password ?? randomBytes(16).toString('hex');
  const lines = [...configLines(options), `dir ${dir}`, `requirepass ${password}`];
  if (options.tls !== undefined) lines.push(...(await writeTls(dir, options.tls)));
  const config = { dir, lines, portSetting: options.tls === undefined ? 'port' : 'tls-port' };
  for (const [name, text] of Object.entries(options.files ?? {})) {
    await writeFile(join(dir, name), text);
  }
  let { server, port } = await startServer(launch, config, options.port);
  const scheme = options.tls === undefined ? 'redis' : 'rediss';
  const url = `${scheme}://:${password}@127.0.0.1:${port}`;
  const connections = new Connections(url, options.tls?.ca);
  const kill = async () => {
    if (server.isRunning) await server.kill();
  };
  return {
    ...connections.api(),
    port,
    get server() {
      return server;
    },
    pause: async () => server.pause(),
    resume: async () => server.resume(),
    kill,
    async backup() {
      await rm(join(dir, BACKUP_FOLDER), { recursive: true, force: true });
      await cp(join(dir, AOF_FOLDER), join(dir, BACKUP_FOLDER), { recursive: true });
    },
    async restart({ data = 'kept' } = {}) {
      await kill();
      if (data !== 'kept') await removeData(dir);
      if (data === 'older') {
        await cp(join(dir, BACKUP_FOLDER), join(dir, AOF_FOLDER), { recursive: true });
      }
      ({ server, port } = await startServer(launch, config, port));
    },
    async stop() {
      connections.close();
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function configLines(options: TestRedisOptions): string[] {
  const persistence = options.persistent
    ? ['appendonly yes', 'appendfsync everysec']
    : ['appendonly no'];
  return [...SETTINGS, ...persistence, 'save ""', ...(options.settings ?? [])];
}

/** Puts the texts into files of `dir`. @returns the lines of configuration that name them */
export async function writeTls(dir: string, tls: ServerTls): Promise<string[]> {
  const files = { ca: join(dir, 'ca.crt'), cert: join(dir, 'server.crt'), key: join(dir, 'key') };
  await writeFile(files.ca, tls.ca);
  await writeFile(files.cert, tls.cert);
  await writeFile(files.key, tls.key, { mode: 0o600 });
  return [
    'port 0',
    `tls-ca-cert-file ${files.ca}`,
    `tls-cert-file ${files.cert}`,
    `tls-key-file ${files.key}`,
    'tls-auth-clients no',
  ];
}

async function removeData(dir: string): Promise<void> {
  for (const file of DATA_FILES) await rm(join(dir, file), { recursive: true, force: true });
}

interface ServerConfig {
  readonly dir: string;
  readonly lines: readonly string[];
  readonly portSetting: string;
}

/** Redis cannot take "any free port" itself, so a port lost to somebody else is drawn anew. */
async function startServer<S extends RedisServer>(
  launch: Launch<S>,
  { dir, lines, portSetting }: ServerConfig,
  fixedPort?: number,
): Promise<{ server: S; port: number }> {
  const file = join(dir, 'redis.conf');
  for (let attempt = 1; ; attempt += 1) {
    const port = fixedPort ?? (await freePort());
    const text = [...lines, 'bind 127.0.0.1', `${portSetting} ${port}`, ''].join('\n');
    await writeFile(file, text, { mode: 0o600 });
    const server = await launch({ dir, file });
    try {
      await server.printed(READY);
      return { server, port };
    } catch (error) {
      if (server.isRunning) await server.kill();
      if (attempt === START_ATTEMPTS || !server.output.includes('in use')) throw error;
    }
  }
}
