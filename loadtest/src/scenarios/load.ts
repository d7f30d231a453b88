/** Options of the load client that several scenarios share. */

import type { LoadOptions } from '../harness/load-options.js';
import type { Side } from '../harness/stack.js';
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

/**
 * What a peer loses is said.
 * @throws Error if a delivery of ours or of the bare part never came: there is no rate of lost messages
 */
export function refuseMissing(name: string, side: Side, missing: number | undefined): void {
  if (missing === 0) return;
  const text = `${name}, ${side}: ${missing} deliveries never came`;
  if (side === 'ours' || side === 'bare') throw new Error(text);
  console.log(text);
}
