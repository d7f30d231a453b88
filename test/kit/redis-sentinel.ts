/** A Redis behind one Sentinel: what `redis+sentinel://` finds its master by. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.js';
import { type FaultyRedis, type ServerTls, type TestRedisOptions, writeTls } from './redis.js';
import { startFaultyRedis } from './redis-engine.js';
import { launchFaulty } from './redis-launch.js';

export const MASTER_NAME = 'halley-test';

export interface RedisSentinel {
  readonly url: string;
  readonly master: FaultyRedis;
  stop(): Promise<void>;
}

export async function startRedisSentinel(options: TestRedisOptions = {}): Promise<RedisSentinel> {
  const master = await startFaultyRedis(options);
  const { password } = new URL(master.url);
  const dir = await mkdtemp(join(tmpdir(), 'halley-sentinel-'));
  const port = await freePort();
  const file = join(dir, 'sentinel.conf');
  const lines = [
    'bind 127.0.0.1',
    ...(options.tls === undefined ? [`port ${port}`] : await tlsLines(dir, port, options.tls)),
    `dir ${dir}`,
    `requirepass ${password}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} 1`,
    `sentinel auth-pass ${MASTER_NAME} ${password}`,
    '',
  ];
  await writeFile(file, lines.join('\n'), { mode: 0o600 });
  const server = await launchFaulty({ dir, file, isSentinel: true });
  await server.printed('+monitor master');
  return {
    master,
    url: `${options.tls === undefined ? 'redis' : 'rediss'}+sentinel://:${password}@127.0.0.1:${port}/${MASTER_NAME}`,
    async stop() {
      await server.kill();
      await master.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** It speaks TLS to its clients, and by the setting for replicas to the master. */
async function tlsLines(dir: string, port: number, tls: ServerTls): Promise<string[]> {
  return [`tls-port ${port}`, 'tls-replication yes', ...(await writeTls(dir, tls))];
}
