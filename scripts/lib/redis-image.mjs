/** A container image of this machine's own Redis: no registry has to be reached for it. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const PROGRAMS = ['redis-server', 'redis-sentinel', 'redis-cli'];
const TAR_MAX_BYTES = 256 * 1_048_576;
const BUILD_DEADLINE_MS = 30_000;
const TRIAL_DEADLINE_MS = 5_000;

/** @param name for the image; an image of that name is replaced */
export async function buildRedisImage(api, name) {
  const dir = mkdtempSync(join(tmpdir(), 'halley-image-'));
  try {
    for (const path of PROGRAMS.flatMap(filesOf)) {
      mkdirSync(join(dir, 'root', dirname(path)), { recursive: true });
      cpSync(path, join(dir, 'root', path), { dereference: true });
    }
    const steps = ['FROM scratch', 'COPY root /', 'ENV PATH=/usr/local/bin:/usr/bin:/bin'];
    writeFileSync(join(dir, 'Dockerfile'), `${steps.join('\n')}\n`);
    const context = output('tar', ['-c', '-C', dir, '.']);
    const path = `/build?t=${encodeURIComponent(name)}&forcerm=1&version=1`;
    const said = await api.call('POST', path, context, BUILD_DEADLINE_MS);
    const failure = /"error":"([^"]*)"/.exec(said)?.[1];
    if (failure !== undefined) throw new Error(`the image was not built: ${failure}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The program and the libraries that the loader would give it; none where there is no program. */
function filesOf(program) {
  const found = spawnSync('which', [program], { encoding: 'utf8' });
  if (found.status !== 0) return []; // redis-server runs as a Sentinel too.
  const path = found.stdout.trim();
  const libraries = output('ldd', [path]).toString().match(/\/\S+/g) ?? [];
  return [path, ...libraries];
}

function output(program, args) {
  const { status, stdout, error } = spawnSync(program, args, { maxBuffer: TAR_MAX_BYTES });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? `status ${status}`}`);
  return stdout;
}

/**
 * Engines answer in places where no container may run: only a Redis that does shows that it can.
 * @param labels of its container
 */
export async function tryImage(api, image, labels) {
  const port = await freePort();
  const { Id: id } = JSON.parse(
    await api.call('POST', '/containers/create', {
      Image: image,
      Entrypoint: ['redis-server'],
      Cmd: ['--port', String(port), '--bind', '127.0.0.1', '--save', ''],
      Labels: labels,
      HostConfig: { NetworkMode: 'host' },
    }),
  );
  try {
    await api.call('POST', `/containers/${id}/start`);
    await pinged(port);
  } finally {
    await api.removeContainer(id);
  }
}

async function pinged(port) {
  const endsAt = performance.now() + TRIAL_DEADLINE_MS;
  while (performance.now() < endsAt) if (await ping(port)) return;
  throw new Error('a Redis in a container is not reached over the loopback address');
}

function ping(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const end = (isAlive) => {
      socket.destroy();
      setTimeout(resolve, isAlive ? 0 : 20, isAlive);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('data', (chunk) => end(String(chunk).startsWith('+PONG')));
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
