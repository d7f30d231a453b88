/** Thousands of SDK clients in a few processes. */

import { fileURLToPath } from 'node:url';
import {
  type CrowdOptions,
  type CrowdReport,
  type CrowdStatus,
  REPORT_QUESTION,
  STATUS_QUESTION,
} from '../sdk/crowd-report.js';
import { until } from '../sdk/wait.js';
import { Program } from './program.js';
import { Stoppables } from './stack.js';

const MAIN = fileURLToPath(new URL('../sdk/crowd-main.js', import.meta.url));
/** A client in Node costs the processor about as much as its connection costs the edge. */
const PROCESSES = 3;

export class Crowd {
  readonly name = 'crowd';
  readonly size: number;
  readonly #programs: readonly Program[];
  readonly #all: Stoppables;

  private constructor(size: number, programs: readonly Program[], all: Stoppables) {
    this.size = size;
    this.#programs = programs;
    this.#all = all;
  }

  /** Begins to connect; `allStatus` tells how far it is. @param channels one for each client */
  static async start({ url, channels }: CrowdOptions): Promise<Crowd> {
    const all = new Stoppables();
    const programs: Program[] = [];
    for (let index = 0; index < PROCESSES; index += 1) {
      const own = channels.filter((_, at) => at % PROCESSES === index);
      const args = [JSON.stringify({ url, channels: own } satisfies CrowdOptions)];
      programs.push(await all.add(Program.start('crowd', MAIN, { args })));
    }
    return new Crowd(channels.length, programs, all);
  }

  /** Looks until all of them are so. @throws Error if one has failed, or if it takes too long */
  until(
    what: string,
    deadlineMs: number,
    isDone: (statuses: readonly CrowdStatus[]) => boolean,
  ): Promise<void> {
    return until(what, deadlineMs, async () => {
      const statuses = await this.#ask<CrowdStatus>(STATUS_QUESTION);
      const errors = statuses.flatMap((status) => status.errors);
      if (errors.length > 0) throw new Error(`before ${what}: ${errors.join('; ')}`);
      return isDone(statuses);
    });
  }

  reports(): Promise<CrowdReport[]> {
    return this.#ask<CrowdReport>(REPORT_QUESTION);
  }

  cpuSeconds(): number {
    return this.#programs.reduce((sum, program) => sum + program.cpuSeconds(), 0);
  }

  stop(): Promise<void> {
    return this.#all.stop();
  }

  #ask<T>(question: string): Promise<T[]> {
    return Promise.all(this.#programs.map((program) => program.ask(question) as Promise<T>));
  }
}
