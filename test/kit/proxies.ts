/** A real nginx and a real HAProxy with the files of infra/proxy, on ports of their own. */

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, cleanEnv } from './child.js';
import { freePort } from './ports.js';
import { eventually, within } from './wait.js';

const SAMPLES = fileURLToPath(new URL('../../infra/proxy/', import.meta.url));
const HOST = '127.0.0.1';
const START_ATTEMPTS = 5;
const NGINX_TEMP_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export type Sample = 'nginx.conf' | 'haproxy.cfg' | 'icomet-nginx.conf';

/** What a sample holds, and what stands there instead. */
type Replacement = readonly [text: string, by: string];

/** Where the samples point to, each as `host:port`. */
export interface Targets {
  readonly edges: readonly string[];
  readonly api: string;
}

/** The ports that the samples listen on. */
const LISTENING = { browsers: 8080, backends: 8081 } as const;
type Listener = keyof typeof LISTENING;

const LISTENERS: Readonly<Record<Sample, readonly Listener[]>> = {
  'nginx.conf': ['browsers', 'backends'],
  'haproxy.cfg': ['browsers', 'backends'],
  'icomet-nginx.conf': ['browsers'],
};

export class ReverseProxy {
  readonly process: Child;
  readonly #ports: ReadonlyMap<Listener, number>;
  readonly #dir: string;

  constructor(child: Child, ports: ReadonlyMap<Listener, number>, dir: string) {
    this.process = child;
    this.#ports = ports;
    this.#dir = dir;
  }

  /** `http://127.0.0.1:<port>` of one of its listeners. */
  url(listener: Listener): string {
    const port = this.#ports.get(listener);
    if (port === undefined) throw new Error(`${this.process.name} has no ${listener}`);
    return `http://${HOST}:${port}`;
  }

  /** The native wire behind it. */
  wsUrl(): string {
    return `${this.url('browsers').replace('http', 'ws')}/v1/ws`;
  }

  async stop(): Promise<void> {
    try {
      if (this.process.isRunning) await this.process.terminate();
    } finally {
      await rm(this.#dir, { recursive: true, force: true });
    }
  }
}

export function readSample(sample: Sample): Promise<string> {
  return readFile(join(SAMPLES, sample), 'utf8');
}

/** Starts what the sample is for; resolves once all its ports are listened on. */
export async function startProxy(sample: Sample, targets: Targets): Promise<ReverseProxy> {
  for (let attempt = 1; ; attempt += 1) {
    const proxy = await spawnProxy(sample, targets);
    try {
      for (const listener of LISTENERS[sample]) await isListening(proxy, listener);
      return proxy;
    } catch (error) {
      await proxy.stop();
      // Neither takes "any free port", so a port lost to somebody else is drawn anew.
      if (attempt === START_ATTEMPTS || !proxy.process.output.includes('in use')) throw error;
    }
  }
}

/** The program's own check of a configuration, to which a warning is a failure too. */
export async function checkSample(
  sample: Sample,
): Promise<{ code: number | null; output: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'halley-proxy-'));
  // Not connected to; others than those of the sample, which is held to hold what is replaced.
  const targets = { edges: [`${HOST}:9`], api: `${HOST}:9` };
  const file = await placeSample(sample, dir, await drawPorts(sample), targets);
  const args = sample === 'haproxy.cfg' ? ['-c', '-dW', '-f', file] : ['-t', '-c', file];
  const check = run(sample, args);
  const { code } = await within(check.exited, `${check.name} ends`);
  await rm(dir, { recursive: true, force: true });
  return { code, output: check.output };
}

async function spawnProxy(sample: Sample, targets: Targets): Promise<ReverseProxy> {
  const dir = await mkdtemp(join(tmpdir(), 'halley-proxy-'));
  const ports = await drawPorts(sample);
  const file = await placeSample(sample, dir, ports, targets);
  // One process each, which ends with the test run: a worker would outlive its killed master.
  const args =
    sample === 'haproxy.cfg'
      ? ['-db', '-f', file]
      : ['-c', file, '-g', 'daemon off; master_process off;'];
  return new ReverseProxy(run(sample, args), ports, dir);
}

function run(sample: Sample, args: readonly string[]): Child {
  const program = sample === 'haproxy.cfg' ? 'haproxy' : 'nginx';
  const env = cleanEnv();
  // Debian's place for servers, which not every user's path has.
  env['PATH'] = `${env['PATH'] ?? ''}${delimiter}/usr/sbin`;
  const command = ['--pdeathsig', 'KILL', '--', program, ...args];
  return new Child(program, spawn('setpriv', command, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

async function drawPorts(sample: Sample): Promise<ReadonlyMap<Listener, number>> {
  const ports = new Map<Listener, number>();
  for (const listener of LISTENERS[sample]) ports.set(listener, await freePort());
  return ports;
}

/** Writes the sample with ports and paths replaced. @returns the file */
async function placeSample(
  sample: Sample,
  dir: string,
  ports: ReadonlyMap<Listener, number>,
  targets: Targets,
): Promise<string> {
  const listens = [...ports].map(([listener, port]): Replacement => {
    const shipped = LISTENING[listener];
    return sample === 'haproxy.cfg'
      ? [`bind :${shipped}\n`, `bind ${HOST}:${port}\n`]
      : [`listen ${shipped};`, `listen ${HOST}:${port};`];
  });
  const places =
    sample === 'haproxy.cfg' ? haproxyPlaces(targets) : nginxPlaces(sample, dir, targets);
  const text = replaceAll(await readSample(sample), [...listens, ...places]);
  const file = join(dir, sample);
  await writeFile(file, text);
  return file;
}

function nginxPlaces(sample: Sample, dir: string, { edges, api }: Targets): Replacement[] {
  const temp = NGINX_TEMP_PATHS.map((name) => `${name}_temp_path ${dir}/${name};`);
  const places: Replacement[] = [
    ['error_log /var/log/nginx/error.log warn;', 'error_log stderr warn;'],
    ['pid /run/nginx.pid;', `pid ${dir}/pid;`],
    ['\nhttp {\n', `\nhttp {\n${temp.join('\n')}\n`],
  ];
  if (sample === 'icomet-nginx.conf') return [...places, [`${HOST}:8100`, edges[0] ?? '']];
  return [
    ...places,
    [`server ${HOST}:8100;`, edges.map((edge) => `server ${edge};`).join('\n')],
    [`server ${HOST}:8000;`, `server ${api};`],
  ];
}

function haproxyPlaces({ edges, api }: Targets): Replacement[] {
  const lines = edges.map((edge, index) => `server edges${index + 1} ${edge}`);
  return [
    // It shares a taken port without a word otherwise.
    ['\nglobal\n', '\nglobal\n    noreuseport\n'],
    [`server edges1 ${HOST}:8100`, lines.join('\n    ')],
    [`server api1 ${HOST}:8000`, `server api1 ${api}`],
  ];
}

function replaceAll(text: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((before, [shipped, by]) => {
    const after = before.replaceAll(shipped, () => by);
    if (after === before) throw new Error(`the sample does not hold ${shipped}`);
    return after;
  }, text);
}

async function isListening(proxy: ReverseProxy, listener: Listener): Promise<void> {
  const { port, hostname } = new URL(proxy.url(listener));
  await eventually(() => {
    if (!proxy.process.isRunning) throw new Error(`it ended:\n${proxy.process.output}`);
    return connects(Number(port), hostname);
  }, `${proxy.process.name} listens on ${port}`);
}

function connects(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
