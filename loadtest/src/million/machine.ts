/** What the kernel says about memory and sockets. */

import { readFileSync } from 'node:fs';

const KIB = 1_024;
/** In which sockstat counts; of x86 and of most ARM kernels. */
const PAGE_BYTES = 4_096;

export interface MachineMemory {
  readonly availableBytes: number;
  readonly slabBytes: number;
  /** TCP sockets of both ends. */
  readonly sockets: number;
  /** What lies in their buffers. */
  readonly socketBufferBytes: number;
}

export interface ProcessMemory {
  readonly rssBytes: number;
  /** Pages that several processes have are shared out among them, so that a sum is true. */
  readonly pssBytes: number;
}

export function machineMemory(): MachineMemory {
  const meminfo = readFileSync('/proc/meminfo', 'latin1');
  const sockstat = readFileSync('/proc/net/sockstat', 'latin1');
  return {
    availableBytes: fieldOf(meminfo, 'MemAvailable') * KIB,
    slabBytes: fieldOf(meminfo, 'Slab') * KIB,
    sockets: numberAfter(sockstat, /^TCP: inuse (\d+)/m),
    socketBufferBytes: numberAfter(sockstat, /^TCP:.* mem (\d+)/m) * PAGE_BYTES,
  };
}

export function availableBytes(): number {
  return fieldOf(readFileSync('/proc/meminfo', 'latin1'), 'MemAvailable') * KIB;
}

/** The sum of processes; of those that have just gone nothing. */
export function processMemory(pids: readonly number[]): ProcessMemory {
  const all = pids.map(memoryOf);
  return {
    rssBytes: all.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    pssBytes: all.reduce((sum, { pssBytes }) => sum + pssBytes, 0),
  };
}

function memoryOf(pid: number): ProcessMemory {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  } catch {
    return { rssBytes: 0, pssBytes: 0 };
  }
  return { rssBytes: fieldOf(text, 'Rss') * KIB, pssBytes: fieldOf(text, 'Pss') * KIB };
}

function fieldOf(text: string, name: string): number {
  return numberAfter(text, new RegExp(`^${name}: +(\\d+) kB`, 'm'));
}

function numberAfter(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}
