/** A Redis behind one Sentinel: what `redis+sentinel://` finds its master by. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { freePort } from './ports.js';
import { startPrivateRedis } from './redis.js';

export const MASTER_NAME = 'halley-test';

export interface RedisSentinel {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startRedisSentinel(): Promise<RedisSentinel> {
  const master = await startPrivateRedis();
  const { port: masterPort, password } = new URL(master.url);
  const dir = await mkdtemp(join(tmpdir(), 'halley-sentinel-'));
  const port = await freePort();
  const file = join(dir, 'sentinel.conf');
  // Sentinel rewrites its file, so it cannot have it by stdin.
  await writeFile(
    file,
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${dir}`,
      `requirepass ${password}`,
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 1`,
      `sentinel auth-pass ${MASTER_NAME} ${password}`,
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  const command = ['--pdeathsig', 'KILL', '--', 'redis-server', file, '--sentinel'];
  const child = new Child('redis-sentinel', spawn('setpriv', command));
  await child.printed('+monitor master');
  return {
    url: `redis+sentinel://:${password}@127.0.0.1:${port}/${MASTER_NAME}`,
    async stop() {
      await child.kill();
      await master.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
