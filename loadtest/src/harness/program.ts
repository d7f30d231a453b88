/** A process under load: started, asked when ready, measured from outside, stopped by its own id. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { MEMORY_QUESTION } from './probe-question.js';
import type { Memory, Resident } from './resident.js';

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 10_000;
/** Of /proc/<pid>/stat; fixed by the kernel's interface to user space. */
const CLOCK_TICKS_PER_SECOND = 100;
const OUTPUT_MAX_CHARS = 4_000;

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
}

/** What a server says over IPC once it serves. */
interface Ready {
  readonly ready: true;
  readonly port: number;
}

export class Program implements Resident {
  readonly name: string;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(name: string, child: ChildProcess, port: number) {
    this.name = name;
    this.#child = child;
    this.port = port;
  }

  /** Forks a Node program that reports `{ ready: true, port }`. */
  static async start(name: string, path: string, options: ProgramOptions = {}): Promise<Program> {
    const child = fork(path, options.args ?? [], {
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
      execArgv: [...(options.execArgv ?? [])],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const output = keepOutput(child);
    try {
      const { port } = await readyOf(name, child);
      return new Program(name, child, port);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`${name} did not start: ${messageOf(error)}\n${output()}`);
    }
  }

  get pid(): number {
    return pidOf(this.#child);
  }

  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  /** Once its garbage is collected; the program needs the probe of `probe.ts` inside. */
  async memory(): Promise<Memory> {
    const answer = (await this.ask(MEMORY_QUESTION)) as { readonly memory: NodeJS.MemoryUsage };
    return answer.memory;
  }

  /** Asks what listens to messages inside the program. */
  async ask(question: string): Promise<unknown> {
    const answer = once(this.#child, 'message', { signal: AbortSignal.timeout(STOP_DEADLINE_MS) });
    this.#child.send(question);
    const [value] = await answer;
    return value;
  }

  /** SIGTERM. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** SIGKILL. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  stop(): Promise<void> {
    return stopChild(this.#child);
  }
}

/** User and system time of a process so far. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The command name, in parentheses, may hold spaces; utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

/** Time that all cores together spent on anything but waiting, time stolen by other guests included. */
export function machineBusySeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line
    .split(/ +/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softIrq + steal) / CLOCK_TICKS_PER_SECOND;
}

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process did not start');
  return child.pid;
}

/** SIGTERM, and SIGKILL for what does not go. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = new AbortController();
  await Promise.race([gone, pause(STOP_DEADLINE_MS, undefined, late).catch(() => undefined)]);
  late.abort();
  child.kill('SIGKILL');
  await gone;
}

/** The end of what a process wrote, for the message of a failure. */
export function keepOutput(child: ChildProcess): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      kept = (kept + text).slice(-OUTPUT_MAX_CHARS);
    });
  }
  return () => kept;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function readyOf(name: string, child: ChildProcess): Promise<Ready> {
  const signal = AbortSignal.timeout(START_DEADLINE_MS);
  const end = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`it ended with code ${code}`);
  });
  const ready = once(child, 'message', { signal }).then(([message]) => {
    if (isReady(message)) return message;
    throw new Error(`${name} said ${JSON.stringify(message)}`);
  });
  const first = Promise.race([ready, end]);
  end.catch(() => undefined);
  ready.catch(() => undefined);
  return first;
}

function isReady(message: unknown): message is Ready {
  return typeof message === 'object' && message !== null && 'ready' in message && 'port' in message;
}
