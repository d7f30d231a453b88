/** What a phase tells. */

import type { FigureRow } from '../figures/figure.js';

export interface Phase {
  readonly name: string;
  readonly rows: readonly FigureRow[];
  /** Everything that was seen, for the file of results. */
  readonly detail: unknown;
}

const MIB = 1_048_576;

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function seconds(value: number): string {
  return `${value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : 1 })} s`;
}

export function mebibytes(bytes: number): string {
  return `${count(bytes / MIB)} MiB`;
}

export function bytes(value: number): string {
  return `${count(value)} bytes`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Smallest value that at least `share` of all stay within; NaN without any. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
