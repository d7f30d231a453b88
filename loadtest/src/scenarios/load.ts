/** Options of the load client that several scenarios share. */

import type { LoadOptions } from '../harness/load-options.js';
import type { BenchSettings } from '../settings.js';

/** With this data a frame has about 140 bytes, as in the known figures of the bare parts. */
export const DATA = 'x'.repeat(64);

export function windowOptions(settings: BenchSettings): LoadOptions {
  return { 'warm-ms': settings.warmMs, 'measure-ms': settings.measureMs };
}

/** `<name>-0`, `<name>-1`, ... */
export function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index}`);
}

/** @throws Error if a delivery never came: there is no rate of messages that are lost */
export function refuseMissing(name: string, missing: number | undefined): void {
  if (missing !== 0) throw new Error(`${name}: ${missing} deliveries never came`);
}
