/** A Redis of the bench's own, with the settings that Halley asks for. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.js';
import { cpuSecondsOf, keepOutput, pidOf, stopChild } from './program.js';

const START_ATTEMPTS = 5;

const SETTINGS: readonly string[] = [
  'bind 127.0.0.1',
  'appendonly yes',
  'appendfsync everysec',
  'maxmemory-policy noeviction',
  'stream-node-max-bytes 512',
  'client-output-buffer-limit pubsub 256mb 64mb 60',
  'save ""',
  // A rewrite in the middle of a measurement would take a core from one side and not from the other.
  'auto-aof-rewrite-percentage 0',
];

export class BenchRedis {
  readonly name = 'redis';
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #dir: string;

  private constructor(child: ChildProcess, port: number, dir: string) {
    this.#child = child;
    this.url = `redis://127.0.0.1:${port}`;
    this.#dir = dir;
  }

  static async start(): Promise<BenchRedis> {
    const dir = await mkdtemp(join(tmpdir(), 'halley-bench-redis-'));
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      try {
        return new BenchRedis(await startServer(port, dir), port, dir);
      } catch (error) {
        if (attempt < START_ATTEMPTS) continue; // Somebody else took the port meanwhile.
        await rm(dir, { recursive: true, force: true });
        throw error;
      }
    }
  }

  get pid(): number {
    return pidOf(this.#child);
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  async stop(): Promise<void> {
    await stopChild(this.#child);
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** setpriv has the kernel end the server with the bench, however that ends. */
async function startServer(port: number, dir: string): Promise<ChildProcess> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'redis-server', '-'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = keepOutput(child);
  child.stdin.end([...SETTINGS, `port ${port}`, `dir ${dir}`, ''].join('\n'));
  const end = Promise.race([once(child, 'exit'), once(child, 'error')]).then(() => {
    throw new Error(`redis-server did not start:\n${output()}`);
  });
  end.catch(() => undefined);
  while (!output().includes('Ready to accept connections')) {
    await Promise.race([once(child.stdout, 'data'), end]);
  }
  return child;
}
