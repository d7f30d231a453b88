/** Processor time by kind of process. */

import { cpuSecondsOf, machineBusySeconds } from '../harness/program.js';
import { monotonicMs } from '../sdk/clock.js';
import type { Run } from './run.js';

export type CpuKind = 'edges' | 'clients' | 'servers' | 'coordinator' | 'machine';

/** Seconds. */
export type Cpu = Readonly<Record<CpuKind | 'wall', number>>;

/** Since each process began. */
export function cpuOf({ fleet, crowds }: Run): Cpu {
  const sum = (all: readonly { cpuSeconds(): number }[]) =>
    all.reduce((total, one) => total + one.cpuSeconds(), 0);
  return {
    edges: sum(fleet.edges),
    clients: sum(crowds.filter((crowd) => crowd !== undefined)),
    servers: sum([fleet.api, fleet.redis]),
    coordinator: cpuSecondsOf(process.pid),
    machine: machineBusySeconds(),
    wall: monotonicMs() / 1_000,
  };
}

export function cpuSince(run: Run, before: Cpu): Cpu {
  const after = cpuOf(run);
  const used = (kind: keyof Cpu) => after[kind] - before[kind];
  return {
    edges: used('edges'),
    clients: used('clients'),
    servers: used('servers'),
    coordinator: used('coordinator'),
    machine: used('machine'),
    wall: used('wall'),
  };
}
