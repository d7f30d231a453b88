/** Runs the load client beside a stack and hands back what both of them used. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LoadOptions } from './load-options.js';
import { nativeProgram } from './native.js';
import { keepOutput, machineBusySeconds, stopChild } from './program.js';
import type { Measured, Stack } from './stack.js';

export type LoadMode = 'fanout' | 'post' | 'latency' | 'talk' | 'hold';

export interface Quantiles {
  readonly samples: number;
  /** -1 without samples. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/** What it took to open all sockets. */
export interface Opened {
  readonly seconds: number;
  /** Of the load client. */
  readonly cpuSeconds: number;
}

/** What the load client reports of one window; the rest depends on the mode. */
export interface Window {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Answered with 2xx. */
  readonly posts: number;
  readonly deliveries: number;
  readonly deliveryBytes: number;
  readonly reads: number;
  /** From request, or frame of `talk`, to answer. */
  readonly answers: Quantiles;
  /** Deliveries that never came. */
  readonly missing?: number;
  /** From the time at which a message was due to its receipt; mode `latency`. */
  readonly receipts?: Quantiles;
  /** Frames that were answered; mode `talk`. */
  readonly answered?: number;
}

/**
 * Share of one core that each process used in the window. `load` is the client, `others` is what the
 * machine did besides: where that is much, the figures are those of a busy machine.
 */
export type CpuShares = Readonly<Record<string, number>>;

export interface LoadResult {
  readonly window: Window;
  readonly cpu: CpuShares;
}

const MACHINE = 'machine';

interface ClientEvent {
  readonly event: string;
}

export type LoadTarget = Pick<Stack, 'wsPort' | 'postPort' | 'bearer'>;

export class LoadClient {
  readonly #child: ChildProcess;
  readonly #dir: string;
  readonly #output: () => string;
  readonly #events: AsyncIterator<string>;
  readonly #closed: Promise<unknown>;

  private constructor(child: ChildProcess, dir: string) {
    this.#child = child;
    this.#dir = dir;
    if (child.stdout === null || child.stderr === null) throw new Error('the client has no output');
    this.#events = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#output = keepOutput(child);
    this.#closed = once(child, 'close');
  }

  static async start(stack: LoadTarget, mode: LoadMode, options: LoadOptions): Promise<LoadClient> {
    const program = nativeProgram('load-client');
    const dir = await mkdtemp(join(tmpdir(), 'halley-bench-load-'));
    const ports = { 'ws-port': stack.wsPort, 'post-port': stack.postPort, bearer: stack.bearer };
    const args = await Promise.all(
      Object.entries({ ...ports, ...options }).map(async ([name, value]) => {
        if (!Array.isArray(value)) return `${name}=${value}`;
        const path = join(dir, name);
        await writeFile(path, `${value.join('\n')}\n`);
        return `${name}=${path}`;
      }),
    );
    const child = spawn(program, [mode, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    return new LoadClient(child, dir);
  }

  /** @throws Error with what the client said, if it ends before this event */
  async event(name: string): Promise<unknown> {
    const { value: line, done } = await this.#events.next();
    if (done) {
      // What it said last may come after the end of its events.
      await this.#closed;
      throw new Error(`the load client ended before "${name}":\n${this.#output()}`);
    }
    const event = JSON.parse(line) as ClientEvent;
    if (event.event !== name) throw new Error(`the load client said ${line} before "${name}"`);
    return event;
  }

  /** @throws Error with what the client said, if it has ended: then nothing is held any more */
  refuseEnd(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return;
    throw new Error(`the load client ended:\n${this.#output()}`);
  }

  async stop(): Promise<void> {
    await stopChild(this.#child);
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** One run of a mode that measures a window. */
export async function runLoad(
  stack: Stack,
  mode: LoadMode,
  options: LoadOptions,
): Promise<LoadResult> {
  const client = await LoadClient.start(stack, mode, options);
  try {
    if (mode !== 'post') await client.event('opened');
    await client.event('ready');
    await client.event('measuring');
    const before = cpuSecondsBy(stack.processes);
    await client.event('closed');
    const after = cpuSecondsBy(stack.processes);
    const window = (await client.event('measured')) as Window;
    return { window, cpu: sharesOf(before, after, window) };
  } finally {
    await client.stop();
  }
}

/** So far, of each of them and of the machine. */
export function cpuSecondsBy(processes: readonly Measured[]): Map<string, number> {
  const used = new Map(processes.map((process) => [process.name, process.cpuSeconds()]));
  return used.set(MACHINE, machineBusySeconds());
}

/** @param window its length, and what the load client used in it */
export function sharesOf(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  window: Pick<Window, 'seconds' | 'cpuSeconds'>,
): CpuShares {
  const shares: Record<string, number> = { load: window.cpuSeconds / window.seconds };
  for (const [name, seconds] of after) {
    if (name !== MACHINE) shares[name] = (seconds - (before.get(name) ?? 0)) / window.seconds;
  }
  const busy = ((after.get(MACHINE) ?? 0) - (before.get(MACHINE) ?? 0)) / window.seconds;
  const accounted = Object.values(shares).reduce((sum, share) => sum + share, 0);
  return { ...shares, others: Math.max(0, busy - accounted) };
}
