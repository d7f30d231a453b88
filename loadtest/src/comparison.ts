/** Medians of both sides, and what they say about the goal. */

import type { CpuShares } from './harness/load.js';
import type { Side } from './harness/stack.js';
import type { Goal, Metric, Sample } from './scenarios/scenario.js';
import { median } from './stats.js';

/** Below this share of the known figure the machine, or the bare part, is not what the goal is about. */
const COMPARABLE_SHARE = 0.8;

export type Samples = Readonly<Record<Side, readonly Sample[]>>;

export interface Comparison {
  readonly scenario: string;
  readonly what: string;
  readonly unit: string;
  readonly bare: number;
  readonly ours: number;
  /** Ours over bare. */
  readonly ratio: number;
  readonly goal: Goal | null;
  /** `null` where no figure of the bare part is known. */
  readonly isComparable: boolean | null;
  /** `null` without a goal, or where nothing is comparable. */
  readonly reaches: { readonly goal: boolean; readonly halfGoal: boolean } | null;
  /** Shares of a core, medians. */
  readonly cpu: Readonly<Record<Side, CpuShares>>;
}

export function compare(scenario: string, metric: Metric, samples: Samples): Comparison {
  const bare = median(valuesOf(samples.bare, metric.key));
  const ours = median(valuesOf(samples.ours, metric.key));
  const ratio = ours / bare;
  const goal = metric.goal ?? null;
  const isComparable = comparable(metric, bare);
  return {
    scenario,
    what: metric.what,
    unit: metric.unit,
    bare,
    ours,
    ratio,
    goal,
    isComparable,
    reaches: goal === null || isComparable === false ? null : reached(goal, ours, ratio),
    cpu: { bare: medianShares(samples.bare), ours: medianShares(samples.ours) },
  };
}

function valuesOf(samples: readonly Sample[], key: string): number[] {
  return samples.map((sample) => sample.values[key] ?? Number.NaN);
}

function comparable(metric: Metric, bare: number): boolean | null {
  if (metric.bareFigure === undefined) return null;
  if (metric.better === 'more') return bare >= metric.bareFigure * COMPARABLE_SHARE;
  return bare <= metric.bareFigure / COMPARABLE_SHARE;
}

function reached(goal: Goal, ours: number, ratio: number): { goal: boolean; halfGoal: boolean } {
  if ('ratio' in goal) return { goal: ratio >= goal.ratio, halfGoal: ratio >= goal.ratio / 2 };
  return { goal: ours <= goal.atMost, halfGoal: ours <= goal.atMost * 2 };
}

function medianShares(samples: readonly Sample[]): CpuShares {
  const names = Object.keys(samples[0]?.cpu ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(samples.map((sample) => sample.cpu[name] ?? Number.NaN))]),
  );
}
