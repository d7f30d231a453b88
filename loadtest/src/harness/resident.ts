/** What a server keeps in memory, in bytes. */

import { readFileSync } from 'node:fs';

export interface Memory {
  readonly rss: number;
  /** Of Node alone, as is `external`. */
  readonly heapUsed?: number;
  readonly external?: number;
}

export interface Resident {
  memory(): Promise<Memory>;
}

/** Of a process that answers no questions. */
export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return { rss: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024 };
}
