/** A process of the fleet under test: its output is kept for failure messages, its end is a promise. */

import type { ChildProcess } from 'node:child_process';
import { within } from './wait.js';

/** Characters of output kept per process; the end of it is what explains a failure. */
const OUTPUT_MAX_CHARS = 64_000;
const KILL_DEADLINE_MS = 5_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<ChildProcess>();

// A test run that ends early must leave nothing behind.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Child {
  readonly name: string;
  readonly exited: Promise<Exit>;
  readonly process: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #output = '';

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.process = child;
    running.add(child);
    this.exited = new Promise((resolve) => {
      // 'close', not 'exit': by then all output has been read.
      child.once('close', (code, signal) => {
        running.delete(child);
        resolve({ code, signal });
      });
      child.once('error', (error) => {
        this.#keep(`${error.message}\n`);
        running.delete(child);
        resolve({ code: null, signal: null });
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    }
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`${this.name} did not start`);
    return this.process.pid;
  }

  get isRunning(): boolean {
    return running.has(this.process);
  }

  /** What it wrote to stdout and stderr, the last 64,000 characters of it. */
  get output(): string {
    return this.#output;
  }

  /** Resolves once the output holds `text`; rejects where the process ends without it. */
  async printed(text: string | RegExp, deadlineMs?: number): Promise<void> {
    const holds = () =>
      typeof text === 'string' ? this.#output.includes(text) : text.test(this.#output);
    const seen = new Promise<void>((resolve) => {
      const check = () => {
        if (!holds()) return;
        this.#watchers.delete(check);
        resolve();
      };
      this.#watchers.add(check);
      check();
    });
    const ended = this.exited.then((exit) => {
      if (!holds()) throw new Error(`${this.name} ended (${describe(exit)}):\n${this.#output}`);
    });
    const what = () => `${this.name} prints ${String(text)}; it printed:\n${this.#output}`;
    await within(Promise.race([seen, ended]), what, deadlineMs);
  }

  /** SIGKILL: the crash of a process, nothing is said to anybody. */
  async kill(): Promise<Exit> {
    this.process.kill('SIGKILL');
    return within(this.exited, `${this.name} is gone`, KILL_DEADLINE_MS);
  }

  /** SIGTERM: the process drains and goes. Rejects, and kills it, where it does not. */
  async terminate(deadlineMs?: number): Promise<Exit> {
    this.process.kill('SIGTERM');
    try {
      return await within(
        this.exited,
        () => `${this.name} ends on SIGTERM; it printed:\n${this.#output}`,
        deadlineMs,
      );
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Stops the process as a paused or swapped-out machine would; `resume` lets it go on. */
  pause(): void {
    this.process.kill('SIGSTOP');
  }

  resume(): void {
    this.process.kill('SIGCONT');
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_MAX_CHARS);
    for (const watcher of this.#watchers) watcher();
  }
}

export function describe(exit: Exit): string {
  return exit.signal ? `signal ${exit.signal}` : `exit code ${exit.code ?? 'unknown'}`;
}

/** The environment of a child: nothing of the test run leaks in but what programs need to run. */
export function cleanEnv(extra: Record<string, string> = {}): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), ...extra };
}
