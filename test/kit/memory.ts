import { readFileSync } from 'node:fs';

const BYTES_PER_KB = 1_024;

/** Memory of a process that is in RAM, bytes. */
export function residentBytes({ pid }: { readonly pid: number }): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} shows no VmRSS`);
  return Number(kilobytes) * BYTES_PER_KB;
}
