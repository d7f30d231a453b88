/** A Docker engine for a test run: one that answers on this machine, else one of its own. */

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DockerApi } from './docker-api.mjs';
import { isInPath } from './run.mjs';

const DEFAULT_SOCKET = '/var/run/docker.sock';
const START_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** One that listens on a socket of this machine, or null; one elsewhere has another loopback. */
export async function findEngine() {
  const host = process.env.DOCKER_HOST ?? `unix://${DEFAULT_SOCKET}`;
  if (!host.startsWith('unix://')) return null;
  const socket = host.slice('unix://'.length);
  const api = new DockerApi(socket);
  const version = await api.version().catch(() => null);
  return version === null ? null : { api, socket, version, stop: async () => undefined };
}

/**
 * Its folders, socket and mounts are its own and it touches no network: what it needs of /run and
 * /etc/docker are empty file systems that only it sees. In a process namespace of its own nothing
 * outlives it, and setpriv has the kernel end it with this run.
 */
export async function startEngine() {
  for (const program of ['dockerd', 'unshare', 'setpriv']) {
    if (!isInPath(program)) throw new Error(`there is no ${program}`);
  }
  const dir = mkdtempSync(join(tmpdir(), 'halley-docker-'));
  const hadFolder = existsSync('/etc/docker');
  const log = openSync(join(dir, 'log'), 'w');
  const child = spawn('setpriv', engineArguments(dir), { stdio: ['ignore', log, log] });
  closeSync(log);
  const exited = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  const stop = async () => {
    endInside(child.pid);
    await Promise.race([exited, pause(STOP_DEADLINE_MS, undefined, { ref: false })]);
    removeGroups(groupOf(dir));
    // The kernel takes the mounts down a moment after the last process.
    rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: LOOK_EVERY_MS });
    if (!hadFolder) removeFolder('/etc/docker');
  };
  try {
    const socket = join(dir, 'docker.sock');
    const api = new DockerApi(socket);
    const version = await answered(api, exited, dir);
    return { api, socket, version, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** unshare itself goes when dockerd has gone, and takes its exit code; killed, it would leave a zombie. */
function endInside(pid) {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    for (const id of children) process.kill(Number(id) || pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function engineArguments(dir) {
  const dockerd = [
    `--host=unix://${dir}/docker.sock`,
    `--data-root=${dir}/data`,
    `--exec-root=${dir}/exec`,
    `--pidfile=${dir}/pid`,
    `--cgroup-parent=${groupOf(dir)}`,
    '--storage-driver=vfs',
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
  ];
  const script = [
    'mkdir -p /etc/docker',
    'mount -t tmpfs tmpfs /run',
    'mount -t tmpfs tmpfs /etc/docker',
    'exec dockerd "$@"',
  ].join(' && ');
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const shell = ['sh', '-c', script, 'dockerd', ...dockerd];
  return ['--pdeathsig', 'KILL', '--', 'unshare', ...namespaces, ...shell];
}

async function answered(api, exited, dir) {
  const endsAt = performance.now() + START_DEADLINE_MS;
  let hasExited = false;
  void exited.then(() => {
    hasExited = true;
  });
  while (performance.now() < endsAt && !hasExited) {
    const version = await api.version().catch(() => null);
    if (version !== null) return version;
    await pause(LOOK_EVERY_MS);
  }
  const how = hasExited ? 'ended' : `did not answer within ${START_DEADLINE_MS} ms`;
  throw new Error(`dockerd ${how}: ${lastLine(join(dir, 'log'))}`);
}

/** What dockerd said last, without its times and levels. */
function lastLine(file) {
  const line = readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
  return line.replace(/^time="[^"]*" level=\S+ msg=/, '').slice(0, 300);
}

/** The control group of the engine's containers. */
function groupOf(dir) {
  return `/${dir.split('/').at(-1)}`;
}

/** Version 1 has a tree for each controller, version 2 one tree. */
function removeGroups(group) {
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return;
  const trees = readdirSync(root).map((name) => join(root, name));
  for (const tree of [root, ...trees]) removeFolder(join(tree, group));
}

/** An empty one, where it is there. */
function removeFolder(path) {
  try {
    rmdirSync(path);
  } catch {
    // Somebody else uses it, or it was never made.
  }
}
