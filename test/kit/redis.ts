/** A Redis of the test's own: a private `redis-server`, or a container where an image is named. */

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { freePort } from './ports.js';
import { Connections, type TestRedis } from './redis-connections.js';

export type { CommandCalls, TestRedis } from './redis-connections.js';

/** The server settings that Halley asks for, the same as the embedded default. */
const SETTINGS: readonly string[] = [
  'maxmemory-policy noeviction',
  'stream-node-max-bytes 512',
  'client-output-buffer-limit pubsub 256mb 64mb 60',
];
const START_ATTEMPTS = 5;
const READY = 'Ready to accept connections';

export interface TestRedisOptions {
  /** Keeps an append-only file, so that `restart` finds the data again. */
  readonly persistent?: boolean;
  /** Further lines of the server's configuration. */
  readonly settings?: readonly string[];
  /** Default: a random one. The nodes of a cluster share theirs. */
  readonly password?: string;
}

/** What only a process of ours can do: be paused, killed, and started again on the same port. */
export interface PrivateRedis extends TestRedis {
  readonly server: Child;
  /** SIGKILL and a new start with the same port, password and, when persistent, data. */
  restart(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts the Redis that the test run is configured for: `HALLEY_TEST_REDIS_IMAGE` or a process. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const image = process.env['HALLEY_TEST_REDIS_IMAGE'];
  if (!image) return startPrivateRedis(options);
  const { startRedisContainer } = await import('./redis-container.js');
  return startRedisContainer(image, configLines(options));
}

export async function startPrivateRedis(options: TestRedisOptions = {}): Promise<PrivateRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'halley-redis-'));
  const password = options.password ?? randomBytes(16).toString('hex');
  const lines = [...configLines(options), `dir ${dir}`, `requirepass ${password}`];
  let { server, port } = await startServer(lines);
  const connections = new Connections(`redis://:${password}@127.0.0.1:${port}`);
  return {
    ...connections.api(),
    get server() {
      return server;
    },
    async kill() {
      await server.kill();
    },
    async restart() {
      if (server.isRunning) await server.kill();
      ({ server, port } = await startServer(lines, port));
    },
    async stop() {
      connections.close();
      if (server.isRunning) await server.kill();
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

/** Redis cannot take "any free port" itself, so a port lost to somebody else is drawn anew. */
async function startServer(
  lines: readonly string[],
  fixedPort?: number,
): Promise<{ server: Child; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = fixedPort ?? (await freePort());
    const server = spawnServer([...lines, 'bind 127.0.0.1', `port ${port}`]);
    try {
      await server.printed(READY);
      return { server, port };
    } catch (error) {
      if (server.isRunning) await server.kill();
      if (attempt === START_ATTEMPTS || !server.output.includes('in use')) throw error;
    }
  }
}

/** The configuration goes in by stdin; setpriv has the kernel end the server with the test run. */
function spawnServer(lines: readonly string[]): Child {
  const command = ['--pdeathsig', 'KILL', '--', 'redis-server', '-'];
  const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined); // Its early end is reported by `exited`.
  child.stdin.end(`${lines.join('\n')}\n`);
  return new Child('redis-server', child);
}
