/** The end of the work that a load leaves behind: thousands of closed connections, for one. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Measured } from './stack.js';

const LOOK_INTERVAL_MS = 100;
/** Of all processes in an interval: heartbeats go on. */
const QUIET_CPU_SECONDS = 0.02;
const LOOKS_MAX = 50;

/** Resolves when they do nearly nothing, at the latest after five seconds. */
export async function quiet(processes: readonly Measured[]): Promise<void> {
  let last = sumOf(processes);
  for (let look = 1; look <= LOOKS_MAX; look += 1) {
    await pause(LOOK_INTERVAL_MS);
    const next = sumOf(processes);
    if (next - last <= QUIET_CPU_SECONDS) return;
    last = next;
  }
}

function sumOf(processes: readonly Measured[]): number {
  return processes.reduce((sum, process) => sum + process.cpuSeconds(), 0);
}
