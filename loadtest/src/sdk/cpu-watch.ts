/** How much of the machine was used, and by whom: storms of a busy machine are worse ones. */

import { machineBusySeconds } from '../harness/program.js';
import type { Measured } from '../harness/stack.js';
import { monotonicMs } from './clock.js';

/** Cores, by name; `bench` is this process, `others` what the machine did besides. */
export type CoresUsed = Readonly<Record<string, number>>;

export class CpuWatch {
  readonly #processes: readonly Measured[];
  readonly #beginMs = monotonicMs();
  readonly #busySeconds = machineBusySeconds();
  readonly #own = process.cpuUsage();
  readonly #before: ReadonlyMap<Measured, number>;

  /** Begins. @param fresh those that start while it is watched: all of their time counts */
  constructor(processes: readonly Measured[], fresh: readonly Measured[]) {
    this.#processes = [...processes, ...fresh];
    this.#before = new Map(processes.map((it) => [it, it.cpuSeconds()]));
  }

  end(): CoresUsed {
    const seconds = (monotonicMs() - this.#beginMs) / 1_000;
    const { user, system } = process.cpuUsage(this.#own);
    const used: Record<string, number> = { bench: (user + system) / 1_000_000 / seconds };
    for (const it of this.#processes) {
      used[it.name] = (it.cpuSeconds() - (this.#before.get(it) ?? 0)) / seconds;
    }
    const ours = Object.values(used).reduce((sum, cores) => sum + cores, 0);
    const busy = (machineBusySeconds() - this.#busySeconds) / seconds;
    return { ...used, others: Math.max(0, busy - ours) };
  }
}
