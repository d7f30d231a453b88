/** One supervised program: started, restarted with back-off when it crashes, stopped for good. */

import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { EXIT } from '../exit-codes.js';
import type { Launch, Ready } from './launch.js';

const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** A program that lived this long has recovered: its next crash starts the back-off anew. */
const STABLE_AFTER_MS = 60_000;

export interface ProgramEvents {
  /** A line of its stdout or stderr. */
  line(program: Program, text: string): void;
  /** It ended by itself and comes back after `restartMs`. */
  crash(program: Program, end: string, restartMs: number): void;
  /** It came back after a crash. */
  recovery(program: Program): void;
  /** It cannot run; it is not restarted. */
  fatal(program: Program, line: string): void;
}

export class Program {
  readonly name: string;
  readonly #launch: Launch;
  readonly #events: ProgramEvents;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #crashes = 0;
  #fatalLine: string | undefined;
  #isStopping = false;
  #onReady: ((ready: Ready) => void) | undefined;
  #onGone: (() => void) | undefined;

  constructor(name: string, launch: Launch, events: ProgramEvents) {
    this.name = name;
    this.#launch = launch;
    this.#events = events;
  }

  /** Resolves when the program serves for the first time, after however many restarts. */
  start(): Promise<Ready> {
    return new Promise((resolve) => {
      this.#onReady = resolve;
      this.#run();
    });
  }

  /** SIGTERM, and SIGKILL where it is not gone within `deadlineMs`. Gone when resolved. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child) return;
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    await gone;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #run(): void {
    const startedAt = performance.now();
    const child = this.#launch({
      ready: (ready) => this.#readied(ready),
      fatal: (line) => {
        this.#fatalLine = line;
      },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (text) => this.#events.line(this, text));
    }
    child.once('error', (error) => {
      // Not even started: there will be no 'close' with a code of its own.
      if (child.pid === undefined) this.#ended(`could not start: ${error.message}`, null, 0);
    });
    child.once('close', (code, signal) => {
      if (child.pid === undefined) return;
      const end = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
      this.#ended(end, code, performance.now() - startedAt);
    });
  }

  #readied(ready: Ready): void {
    if (this.#onReady) this.#onReady(ready);
    else this.#events.recovery(this);
    this.#onReady = undefined;
  }

  #ended(end: string, code: number | null, aliveMs: number): void {
    this.#child = undefined;
    if (this.#isStopping) {
      this.#onGone?.();
    } else if (this.#fatalLine !== undefined || code === EXIT.config) {
      this.#events.fatal(this, this.#fatalLine ?? end);
    } else {
      this.#restartLater(end, aliveMs);
    }
  }

  #restartLater(end: string, aliveMs: number): void {
    if (aliveMs >= STABLE_AFTER_MS) this.#crashes = 0;
    const restartMs = Math.min(BACKOFF_MIN_MS * 2 ** this.#crashes, BACKOFF_MAX_MS);
    this.#crashes += 1;
    this.#events.crash(this, end, restartMs);
    this.#restart = setTimeout(() => this.#run(), restartMs);
  }
}
