/**
 * The embedded default where REDIS_URL is not set: a private `redis-server` on a random loopback
 * port with a random password. Its data stays between starts.
 */

import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Launch, Reports } from './launch.js';
import { freePort } from './ports.js';
import { StartProblem } from './start-problem.js';

const REDIS_MIN_MAJOR = 7;
const READY_TEXT = 'Ready to accept connections';
/** Lines of its output that are told where it does not start. */
const LAST_LINES = 5;
/** Exit code of flock(1) where another process holds the lock (EX_TEMPFAIL). */
const EXIT_LOCKED = 75;

export interface EmbeddedRedis {
  readonly url: string;
  readonly folder: string;
  readonly launch: Launch;
}

/** @throws StartProblem where there is no Redis of the right version or no place for its data. */
export async function embeddedRedis(dataDir: string): Promise<EmbeddedRedis> {
  checkVersion();
  const folder = resolve(dataDir, 'redis');
  makeFolder(folder);
  const port = await freePort();
  const password = randomBytes(24).toString('base64url');
  const config = configText(folder, port, password);
  const launch: Launch = (reports) => launchServer(folder, config, port, reports);
  return { url: `redis://:${password}@127.0.0.1:${port}`, folder, launch };
}

function configText(folder: string, port: number, password: string): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(folder)}`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'shutdown-on-sigterm now force',
    'maxmemory-policy noeviction',
    'stream-node-max-bytes 512',
    'client-output-buffer-limit pubsub 256mb 64mb 60',
    '',
  ].join('\n');
}

/**
 * setpriv has the kernel end Redis when this process ends, even by SIGKILL; flock holds the folder
 * exactly as long as Redis lives. Both replace themselves by what they run, so the child is Redis.
 * Its configuration goes in by stdin: a password among the arguments would show in `ps`.
 */
function launchServer(folder: string, config: string, port: number, reports: Reports) {
  const lock = ['flock', '--no-fork', '-n', '-E', String(EXIT_LOCKED), join(folder, 'lock')];
  const args = ['--pdeathsig', 'TERM', '--', ...lock, 'redis-server', '-'];
  // In a session of its own: it must outlive the drain that a Ctrl-C of the terminal begins.
  const child = spawn('setpriv', args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined); // Ended before it read; 'exit' tells why.
  child.stdin.end(config);
  let output = '';
  let isReady = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (isReady) return;
    output += text;
    isReady = output.includes(READY_TEXT);
    if (isReady) reports.ready({ port });
  });
  child.once('exit', (code) => {
    if (!isReady) reports.fatal(startFailure(code, folder, output));
  });
  return child;
}

function startFailure(code: number | null, folder: string, output: string): string {
  if (code === EXIT_LOCKED) {
    return `another Halley uses the data in ${folder}: stop it, or set HALLEY_DATA_DIR.`;
  }
  const lines = output.trimEnd().split('\n').slice(-LAST_LINES);
  return [`redis-server did not start:`, ...lines].join('\n  ');
}

function checkVersion(): void {
  const version = /v=((\d+)[.\d]*)/.exec(versionText());
  if (Number(version?.[2]) >= REDIS_MIN_MAJOR) return;
  throw new StartProblem(
    version
      ? `redis-server ${version[1]} is too old: take Redis ${REDIS_MIN_MAJOR} or later, or set REDIS_URL.`
      : `there is no redis-server: install Redis ${REDIS_MIN_MAJOR} or later, or set REDIS_URL.`,
  );
}

function versionText(): string {
  try {
    return execFileSync('redis-server', ['--version'], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StartProblem(`HALLEY_DATA_DIR: cannot make ${folder} (${String(error)}).`);
  }
}
