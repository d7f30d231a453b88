/** The comparisons as a table for people and a file for programs. */

import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Comparison, Samples } from './comparison.js';
import type { FigureResult } from './figures/figure.js';
import type { CpuShares } from './harness/load.js';
import type { BenchSettings } from './settings.js';

/** Git-ignored. */
const RESULTS_FOLDER = fileURLToPath(new URL('../results', import.meta.url));
const HEAD = [
  'what',
  'beside',
  'theirs',
  'ours',
  'ratio',
  'goal',
  'reached',
  'CPU of a core: theirs',
  'ours',
];

export function formatTable(comparisons: readonly Comparison[]): string {
  return formatCells([HEAD, ...comparisons.map(rowOf)]);
}

/** @param rows the first one is the head */
export function formatCells(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function rowOf(comparison: Comparison): string[] {
  const { what, unit, ours, other, theirs, ratio, goal } = comparison;
  return [
    `${what} (${unit})`,
    other ?? '-',
    theirs === null ? '-' : formatValue(theirs.value),
    formatValue(ours.value),
    ratio === null ? '-' : ratio.toFixed(2),
    goal,
    verdict(comparison),
    theirs === null ? '-' : sharesText(theirs.cpu),
    sharesText(ours.cpu),
  ];
}

function verdict({ isComparable, isReached }: Comparison): string {
  if (isComparable === false) return 'not comparable';
  if (isReached === null) return '-';
  return isReached ? 'yes' : 'NO';
}

export function sharesText(shares: CpuShares): string {
  const parts = Object.entries(shares).map(([name, share]) => `${name} ${share.toFixed(2)}`);
  return parts.join(' ') || '-';
}

/** Three digits say all that two shared cores can measure. */
export function formatValue(value: number): string {
  if (Math.abs(value) < 1) return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
  const digits = Math.max(0, 3 - String(Math.trunc(value)).length);
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

export interface Report {
  readonly settings: BenchSettings;
  /** That the whole run took. */
  readonly seconds: number;
  readonly comparisons: readonly Comparison[];
  /** Every single measurement, by scenario. */
  readonly samples: Readonly<Record<string, Samples>>;
  /** What was measured alone, by name. */
  readonly figures: Readonly<Record<string, FigureResult>>;
}

/** Writes `<date>.json` and returns its path. */
export async function writeReport(
  report: Report,
  date: Date,
  folder: string = RESULTS_FOLDER,
): Promise<string> {
  const machine = {
    cpus: cpus().map((cpu) => cpu.model),
    kernel: release(),
    node: process.version,
  };
  const path = join(folder, `${date.toISOString().replaceAll(':', '-')}.json`);
  await mkdir(folder, { recursive: true });
  await writeFile(path, `${JSON.stringify({ date, machine, ...report }, null, 2)}\n`);
  return path;
}
