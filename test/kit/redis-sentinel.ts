/** A master, its replica, and the Sentinel that `redis+sentinel://` finds the master by. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './ports.js';
import { type FaultyRedis, type ServerTls, type TestRedisOptions, writeTls } from './redis.js';
import { startFaultyRedis } from './redis-engine.js';
import { launchFaulty } from './redis-launch.js';
import type { RedisServer } from './redis-server.js';
import { eventually } from './wait.js';

export const MASTER_NAME = 'halley-test';
/** Silence after which the master counts as dead. */
const DOWN_AFTER_MS = 1_000;
const FAILOVER_DEADLINE_MS = 30_000;

export class RedisSentinel {
  readonly url: string;
  /** Both servers, in order of start. */
  readonly servers: readonly FaultyRedis[];
  readonly #sentinel: RedisServer;
  readonly #client: Redis;
  readonly #dir: string;

  constructor(
    url: string,
    servers: readonly FaultyRedis[],
    sentinel: RedisServer,
    dir: string,
    ca?: string,
  ) {
    const { host, password } = new URL(url.replace(/^rediss?.sentinel:/, 'http:'));
    this.url = url;
    this.servers = servers;
    this.#sentinel = sentinel;
    this.#dir = dir;
    const tls = ca === undefined ? {} : { tls: { ca } };
    this.#client = new Redis(`redis://:${password}@${host}`, tls);
    this.#client.on('error', () => undefined); // Its calls report it.
  }

  /** The server that Sentinel says is the master now. */
  async master(): Promise<FaultyRedis> {
    const reply = await this.#client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME);
    const [, port] = reply as [string, string];
    const found = this.servers.find(({ url }) => new URL(url).port === port);
    if (found === undefined) throw new Error(`no server on port ${port}`);
    return found;
  }

  async replica(): Promise<FaultyRedis> {
    const master = await this.master();
    const found = this.servers.find((server) => server !== master);
    if (found === undefined) throw new Error('there is no replica');
    return found;
  }

  /** From now on the replica misses what the master takes, and Sentinel sees nothing wrong. */
  async lag(): Promise<void> {
    const [master, replica] = [await this.master(), await this.replica()];
    await replica.client.config('SET', 'masterauth', 'wrong');
    await master.client.call('CLIENT', 'KILL', 'TYPE', 'replica');
    await eventually(
      async () => (await replica.client.info('replication')).includes('master_link_status:down'),
      'the replica lags',
    );
  }

  /** Kills or stops the master; resolves with the replica once that is the master. */
  async failOver(how: 'kill' | 'pause' = 'kill'): Promise<FaultyRedis> {
    const [old, next] = [await this.master(), await this.replica()];
    if (how === 'kill') await old.kill();
    else await old.pause();
    await eventually(
      async () => (await this.master()) === next && (await isMaster(next)),
      'the replica is the master',
      FAILOVER_DEADLINE_MS,
    );
    return next;
  }

  /** The server that is not the master runs, and follows it. */
  async whole(): Promise<void> {
    const [master, replica] = [await this.master(), await this.replica()];
    if (!replica.server.isRunning) await replica.restart();
    await replica.resume();
    const { password, port } = new URL(master.url);
    await replica.client.config('SET', 'masterauth', password);
    // Sentinel would say the same some 10 s later.
    await replica.client.replicaof('127.0.0.1', port);
    await eventually(
      async () => (await replica.client.info('replication')).includes('master_link_status:up'),
      'the replica follows',
      FAILOVER_DEADLINE_MS,
    );
  }

  async stop(): Promise<void> {
    this.#client.disconnect();
    await this.#sentinel.kill();
    await Promise.all(this.servers.map((server) => server.resume().catch(() => undefined)));
    await Promise.all(this.servers.map((server) => server.stop()));
    await rm(this.#dir, { recursive: true, force: true });
  }
}

async function isMaster({ client }: FaultyRedis): Promise<boolean> {
  return (await client.info('replication')).includes('role:master');
}

/** @param options of both servers */
export async function startRedisSentinel(options: TestRedisOptions = {}): Promise<RedisSentinel> {
  const servers = await startPair(options);
  const [{ port: masterPort, url: masterUrl }] = servers;
  const { password } = new URL(masterUrl);
  const { tls } = options;
  const dir = await mkdtemp(join(tmpdir(), 'halley-sentinel-'));
  const port = await freePort();
  const file = join(dir, 'sentinel.conf');
  // Sentinel rewrites its file, so it cannot have it by stdin.
  const lines = [
    'bind 127.0.0.1',
    ...(tls === undefined ? [`port ${port}`] : await tlsLines(dir, port, tls)),
    `dir ${dir}`,
    `requirepass ${password}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 1`,
    `sentinel auth-pass ${MASTER_NAME} ${password}`,
    `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER_NAME} 5000`,
    '',
  ];
  await writeFile(file, lines.join('\n'), { mode: 0o600 });
  const server = await launchFaulty({ dir, file, isSentinel: true });
  await server.printed('+slave slave', FAILOVER_DEADLINE_MS);
  const scheme = tls === undefined ? 'redis+sentinel' : 'rediss+sentinel';
  const url = `${scheme}://:${password}@127.0.0.1:${port}/${MASTER_NAME}`;
  return new RedisSentinel(url, servers, server, dir, tls?.ca);
}

/** A master, and a replica that follows it. */
async function startPair(options: TestRedisOptions): Promise<[FaultyRedis, FaultyRedis]> {
  const settings = [...(options.settings ?? []), 'repl-diskless-sync-delay 0'];
  if (options.tls !== undefined) settings.push('tls-replication yes');
  const master = await startFaultyRedis({ ...options, settings });
  const { password } = new URL(master.url);
  const replica = await startFaultyRedis({
    ...options,
    password,
    settings: [...settings, `masterauth ${password}`, `replicaof 127.0.0.1 ${master.port}`],
  });
  await master.client.config('SET', 'masterauth', password);
  await eventually(
    async () => (await replica.client.info('replication')).includes('master_link_status:up'),
    'the replica follows',
    FAILOVER_DEADLINE_MS,
  );
  return [master, replica];
}

/** It speaks TLS to its clients, and by the setting for replicas to the servers. */
async function tlsLines(dir: string, port: number, tls: ServerTls): Promise<string[]> {
  return [`tls-port ${port}`, 'tls-replication yes', ...(await writeTls(dir, tls))];
}
