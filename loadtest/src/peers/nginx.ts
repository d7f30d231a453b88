/** A nginx with Nchan of the bench's own: one worker, which holds all sockets and takes all POSTs. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../harness/ports.js';
import { cpuSecondsOf, keepOutput, stopChild } from '../harness/program.js';
import { type Memory, memoryOf, type Resident } from '../harness/resident.js';
import { configOf } from './nginx-config.js';

const NGINX = '/usr/sbin/nginx';
const START_ATTEMPTS = 5;
const START_DEADLINE_MS = 20_000;
const WORKER_STARTED = /start worker process (\d+)/;
const REDIS_READY = /Redis upstream \S+ ready/;

export class Nginx implements Resident {
  readonly name = 'edge';
  readonly port: number;
  readonly #master: ChildProcess;
  readonly #workerPid: number;
  readonly #dir: string;

  private constructor(master: ChildProcess, workerPid: number, port: number, dir: string) {
    this.#master = master;
    this.#workerPid = workerPid;
    this.port = port;
    this.#dir = dir;
  }

  static isInstalled(): boolean {
    return existsSync(NGINX) && existsSync(modulePath());
  }

  /** @param redisUrl where messages are kept; in its own memory without */
  static async start(redisUrl?: string): Promise<Nginx> {
    const dir = await mkdtemp(join(tmpdir(), 'halley-bench-nginx-'));
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      try {
        await writeFile(
          join(dir, 'nginx.conf'),
          configOf({ module: modulePath(), dir, port, redisUrl }),
        );
        const { master, workerPid } = await startNginx(dir, redisUrl !== undefined);
        return new Nginx(master, workerPid, port, dir);
      } catch (error) {
        if (attempt < START_ATTEMPTS) continue; // Somebody else took the port meanwhile.
        await rm(dir, { recursive: true, force: true });
        throw error;
      }
    }
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.#workerPid);
  }

  /** Nchan's memory that workers share is part of it: there is one worker. */
  async memory(): Promise<Memory> {
    return memoryOf(this.#workerPid);
  }

  async stop(): Promise<void> {
    await stopChild(this.#master);
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** Where Debian has it, unless told. */
function modulePath(): string {
  return process.env['BENCH_NCHAN_MODULE'] || '/usr/lib/nginx/modules/ngx_nchan_module.so';
}

/** setpriv has the kernel end it with the bench; by SIGTERM, on which the master ends its worker. */
async function startNginx(dir: string, hasRedis: boolean) {
  const args = ['--pdeathsig', 'TERM', '--', NGINX, '-p', dir, '-c', join(dir, 'nginx.conf')];
  const master = spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const output = keepOutput(master);
  const late = AbortSignal.timeout(START_DEADLINE_MS);
  const isReady = () => WORKER_STARTED.test(output()) && (!hasRedis || REDIS_READY.test(output()));
  const end = once(master, 'exit', { signal: late }).then(() => {
    throw new Error('it ended');
  });
  end.catch(() => undefined);
  try {
    while (!isReady()) await Promise.race([once(master.stderr, 'data', { signal: late }), end]);
    return { master, workerPid: Number(WORKER_STARTED.exec(output())?.[1]) };
  } catch (error) {
    await stopChild(master);
    throw new Error(`nginx did not start:\n${output()}`, { cause: error });
  }
}
