/** An edge that is killed without a word and started again on the same port. */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../sdk/clock.js';
import { startEdge } from './ours.js';
import type { Program } from './program.js';

/**
 * Below what Linux gives to outgoing connections: one of thousands that knock meanwhile would else get the
 * edge's own port and be connected to itself.
 */
const PORT_MIN = 15_000;
const PORT_MAX = 32_767;
const PORT_ATTEMPTS = 20;
const KNOCK_INTERVAL_MS = 2;
const LISTEN_DEADLINE_MS = 20_000;

export class RestartableEdge {
  readonly name = 'edge';
  readonly url: string;
  readonly #port: number;
  readonly #env: Readonly<Record<string, string>>;
  #program: Program;

  private constructor(env: Readonly<Record<string, string>>, port: number, program: Program) {
    this.#env = env;
    this.#port = port;
    this.#program = program;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** @param env settings of the edge, but for its port */
  static async start(env: Readonly<Record<string, string>>): Promise<RestartableEdge> {
    const port = await freeLowPort();
    const settings = { ...env, HALLEY_EDGE_PORT: String(port) };
    return new RestartableEdge(settings, port, await startEdge(settings));
  }

  /** SIGKILL. @returns when, by the machine's monotonic clock */
  kill(): number {
    const atMs = monotonicMs();
    process.kill(this.#program.pid, 'SIGKILL');
    return atMs;
  }

  /** After `kill`. @returns when it listened again, by the machine's monotonic clock */
  async restart(): Promise<number> {
    await this.#program.stop();
    const starting = startEdge(this.#env);
    const [listeningMs, program] = await Promise.all([listening(this.#port), starting]);
    this.#program = program;
    return listeningMs;
  }

  /** Since the last start. */
  cpuSeconds(): number {
    return this.#program.cpuSeconds();
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

/** Knocks until somebody opens. */
async function listening(port: number): Promise<number> {
  const endMs = monotonicMs() + LISTEN_DEADLINE_MS;
  while (monotonicMs() < endMs) {
    if (await isListening(port)) return monotonicMs();
    await pause(KNOCK_INTERVAL_MS);
  }
  throw new Error(`nobody listens on ${port}`);
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freeLowPort(): Promise<number> {
  for (let attempt = 1; attempt <= PORT_ATTEMPTS; attempt += 1) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN + 1));
    const server = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
    try {
      await once(server, 'listening');
    } catch {
      continue; // Somebody has it.
    }
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error(`no free port between ${PORT_MIN} and ${PORT_MAX}`);
}
