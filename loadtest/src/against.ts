/** A run beside an earlier one. */

import { readFile } from 'node:fs/promises';
import type { Comparison } from './comparison.js';
import { formatCells, formatValue } from './report.js';

const HEAD = ['what', 'beside', 'ours then', 'now', 'now / then', 'ratio then', 'now'];

/** @param path a file that `writeReport` wrote @throws Error if it is none */
export async function readComparisons(path: string): Promise<readonly Comparison[]> {
  const text = await readFile(path, 'utf8');
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch {
    report = null;
  }
  if (isReport(report)) return report.comparisons;
  throw new Error(`${path} holds no results of the bench`);
}

function isReport(report: unknown): report is { readonly comparisons: readonly Comparison[] } {
  return (
    typeof report === 'object' &&
    report !== null &&
    'comparisons' in report &&
    Array.isArray(report.comparisons)
  );
}

/** A line for each of `now`; those of `then` alone are left out. */
export function formatAgainst(now: readonly Comparison[], then: readonly Comparison[]): string {
  const rows = now.map((one) =>
    rowOf(
      one,
      then.find((other) => isSame(one, other)),
    ),
  );
  return formatCells([HEAD, ...rows]);
}

function isSame(one: Comparison, other: Comparison): boolean {
  return one.scenario === other.scenario && one.what === other.what && one.other === other.other;
}

function rowOf(now: Comparison, then: Comparison | undefined): string[] {
  return [
    `${now.what} (${now.unit})`,
    now.other ?? '-',
    then === undefined ? '-' : formatValue(then.ours.value),
    formatValue(now.ours.value),
    then === undefined ? '-' : (now.ours.value / then.ours.value).toFixed(2),
    ratioText(then?.ratio),
    ratioText(now.ratio),
  ];
}

function ratioText(ratio: number | null | undefined): string {
  return typeof ratio === 'number' ? ratio.toFixed(2) : '-';
}
