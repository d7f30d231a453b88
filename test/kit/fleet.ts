/** Edges and apis as real processes, each on ports of its own which it reports over IPC. */

import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, cleanEnv, describe } from './child.js';
import { within } from './wait.js';

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 10_000;

type Env = Readonly<Record<string, string>>;

export interface FleetOptions {
  readonly redisUrl: string;
  /** Default 1. */
  readonly edges?: number;
  /** Default 1. */
  readonly apis?: number;
  /** Settings of every process, over the defaults of `TEST_ENV`. */
  readonly env?: Env;
  readonly edgeEnv?: Env;
  readonly apiEnv?: Env;
  /** Content of the HALLEY_CONFIG file. */
  readonly config?: unknown;
  /** Programs to run instead of the built apps. */
  readonly edgeMain?: string;
  readonly apiMain?: string;
  /** For a process to serve. Default 20 s; longer where Redis may be away meanwhile. */
  readonly startDeadlineMs?: number;
}

/** Development mode (dev-key, dev-secret), any free port, a drain that a test can wait for. */
const TEST_ENV: Env = {
  HALLEY_EDGE_PORT: '0',
  HALLEY_EDGE_ADMIN_PORT: '0',
  HALLEY_EDGE_INDEX: '0',
  HALLEY_API_PORT: '0',
  HALLEY_DRAIN_SECONDS: '1',
  HALLEY_DRAIN_GRACE_MS: '50',
  HALLEY_LOG_LEVEL: 'info',
  UWS_HTTP_MAX_HEADERS_SIZE: '16384',
};

const APPS = fileURLToPath(new URL('../../apps/', import.meta.url));

/** What a process says over IPC once it serves. */
interface Ready {
  readonly port: number;
  readonly adminPort?: number;
}

/** A process that refused to start: `line` is what it says to the operator. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly line: string;

  constructor(name: string, line: string, output: string) {
    super(`${name} did not start: ${line}\n${output}`);
    this.line = line;
  }
}

/** An edge or an api that listens on ports of its own. */
export class Service extends Child {
  #ready: Ready | undefined;

  /** Rejects with a `StartError` that holds the output where the process cannot serve. */
  async started(deadlineMs = START_DEADLINE_MS): Promise<this> {
    const ready = new Promise<void>((resolve, reject) => {
      this.process.on('message', (message: unknown) => {
        if (isReady(message)) {
          this.#ready = message;
          resolve();
        } else if (isFatal(message)) {
          reject(new StartError(this.name, message.fatal, this.output));
        }
      });
      void this.exited.then((exit) =>
        reject(new StartError(this.name, describe(exit), this.output)),
      );
    });
    await within(ready, () => `${this.name} is ready:\n${this.output}`, deadlineMs);
    return this;
  }

  /** It runs, and has said that it serves. */
  get isServing(): boolean {
    return this.isRunning && this.#ready !== undefined;
  }

  get port(): number {
    return this.#started.port;
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.#started.adminPort ?? this.port}`;
  }

  get #started(): Ready {
    if (!this.#ready) throw new Error(`${this.name} is not ready`);
    return this.#ready;
  }
}

export class EdgeProcess extends Service {
  /** What it was started with beside what all edges have. */
  env: Env = {};

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}/v1/ws`;
  }
}

export class Fleet {
  readonly edges: EdgeProcess[] = [];
  readonly apis: Service[] = [];
  readonly #options: FleetOptions;
  readonly #dir: string;
  #started = 0;

  constructor(options: FleetOptions, dir: string) {
    this.#options = options;
    this.#dir = dir;
  }

  async addEdge(env: Env = {}): Promise<EdgeProcess> {
    const main = this.#options.edgeMain ?? `${APPS}edge/dist/main.js`;
    const child = this.#fork(main, { ...this.#options.edgeEnv, ...env });
    const edge = new EdgeProcess(this.#nameOf('edge'), child);
    edge.env = env;
    this.edges.push(edge);
    return edge.started(this.#options.startDeadlineMs);
  }

  async addApi(env: Env = {}): Promise<Service> {
    const main = this.#options.apiMain ?? `${APPS}api/dist/main.js`;
    const child = this.#fork(main, { ...this.#options.apiEnv, ...env });
    const api = new Service(this.#nameOf('api'), child);
    this.apis.push(api);
    return api.started(this.#options.startDeadlineMs);
  }

  /** The edge at `index` in order of start. */
  edge(index = 0): EdgeProcess {
    return present(this.edges[index], `edge ${index}`);
  }

  api(index = 0): Service {
    return present(this.apis[index], `api ${index}`);
  }

  /** Stops what still runs; rejects, after all are gone, where one did not end on SIGTERM. */
  async stop(): Promise<void> {
    const live = [...this.edges, ...this.apis].filter((service) => service.isRunning);
    for (const service of live) service.resume();
    const ends = await Promise.allSettled(
      live.map((service) => service.terminate(STOP_DEADLINE_MS)),
    );
    await rm(this.#dir, { recursive: true, force: true });
    const failed = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    if (failed.length > 0) throw new AggregateError(failed, failed.map(String).join('\n'));
  }

  #fork(main: string, env: Env): ReturnType<typeof fork> {
    const settings = { ...TEST_ENV, REDIS_URL: this.#options.redisUrl, ...this.#options.env };
    const config: Env =
      this.#options.config === undefined ? {} : { HALLEY_CONFIG: configFile(this.#dir) };
    return fork(main, {
      cwd: this.#dir,
      env: cleanEnv({ ...settings, ...config, ...env }),
      // Not those of the test runner.
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
  }

  #nameOf(role: string): string {
    this.#started += 1;
    return `${role} ${this.#started}`;
  }
}

/** Starts all processes at once; on a failure none is left running. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const dir = await mkdtemp(join(tmpdir(), 'halley-fleet-'));
  if (options.config !== undefined)
    await writeFile(configFile(dir), JSON.stringify(options.config));
  const fleet = new Fleet(options, dir);
  const starts = await Promise.allSettled([
    ...Array.from({ length: options.edges ?? 1 }, () => fleet.addEdge()),
    ...Array.from({ length: options.apis ?? 1 }, () => fleet.addApi()),
  ]);
  const failed = starts.find((start) => start.status === 'rejected');
  if (!failed) return fleet;
  await fleet.stop().catch(() => undefined); // The first failure is the one that explains.
  throw failed.reason;
}

function configFile(dir: string): string {
  return join(dir, 'halley.json');
}

function isReady(message: unknown): message is Ready {
  return isObject(message) && message['ready'] === true && typeof message['port'] === 'number';
}

function isFatal(message: unknown): message is { readonly fatal: string } {
  return isObject(message) && typeof message['fatal'] === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the fleet has no ${what}`);
  return value;
}
