/**
 * A real redis-server whose clock stands still until a test moves it: days of idleness cost nothing, and
 * the clock may be set back. Debian's libfaketime stands between the server and the time.
 */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandClient, createCommandClient, parseRedisUrl } from '@halley/shared/redis';
import { Child, cleanEnv } from '../kit/child.js';
import { eventually } from '../kit/wait.js';

const START_MS = Date.UTC(2026, 0, 1);
const LIBRARY_NAME = 'faketime/libfaketime.so.1';
const CLOCK_LINE_CHARS = 31;

export interface SteppedRedis {
  readonly url: string;
  readonly client: CommandClient;
  /** Redis' clock, unix ms. */
  now(): number;
  /** Moves the clock forward, or back by a negative number. */
  step(ms: number): void;
  stop(): Promise<void>;
}

export async function startSteppedRedis(): Promise<SteppedRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'halley-clock-'));
  const clock = new ClockFile(join(dir, 'clock'));
  const socket = join(dir, 'redis.sock');
  const server = spawnServer(dir, socket, clock.path);
  await server.printed(/ready to accept connections/i);
  const url = `unix://${socket}`;
  const client = createCommandClient(parseRedisUrl(url), 10_000);
  await eventually(() => client.status === 'ready', 'the model is connected to its Redis');
  return {
    url,
    client,
    now: () => clock.ms,
    step: (ms) => clock.set(clock.ms + ms),
    async stop() {
      client.disconnect();
      await server.kill();
      clock.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What libfaketime reads at each look at the clock: one line of a fixed length, written in one go. */
class ClockFile {
  readonly path: string;
  readonly #file: number;
  ms = START_MS;

  constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, 'w');
    this.set(START_MS);
  }

  set(ms: number): void {
    this.ms = ms;
    // Half a millisecond on top, since the fraction is read as a double.
    const seconds = `${Math.floor(ms / 1_000)}.${String(ms % 1_000).padStart(3, '0')}5`;
    writeSync(this.#file, `${seconds.padEnd(CLOCK_LINE_CHARS)}\n`, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

function spawnServer(dir: string, socket: string, clockPath: string): Child {
  const env = cleanEnv({
    TZ: 'UTC',
    // With jemalloc, which asks for the time while it starts, libfaketime would never get ready.
    LD_PRELOAD: `${libraryPath()}:libc.so.6`,
    FAKETIME_TIMESTAMP_FILE: clockPath,
    FAKETIME_FMT: '%s',
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  });
  const command = ['--pdeathsig', 'KILL', '--', 'redis-server', '-'];
  const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'pipe'], env });
  child.stdin.on('error', () => undefined); // Its early end is reported by `exited`.
  const lines = [
    'port 0',
    `unixsocket ${socket}`,
    `dir ${dir}`,
    'save ""',
    'stream-node-max-bytes 512',
    'enable-debug-command local',
  ];
  child.stdin.end(`${lines.join('\n')}\n`);
  return new Child('redis-server with a stepped clock', child);
}

/** @throws Error that says what to install */
function libraryPath(): string {
  const folders = readdirSync('/usr/lib').map((name) => join('/usr/lib', name));
  const paths = ['/usr/lib', '/usr/lib64', ...folders].map((folder) => join(folder, LIBRARY_NAME));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error("Debian's libfaketime is not installed");
  return path;
}
