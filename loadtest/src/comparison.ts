/** Medians of ours and of another side, and what they say about the goal. */

import type { CpuShares } from './harness/load.js';
import { OTHERS, type Other, type Side } from './harness/stack.js';
import type { Metric, Sample } from './scenarios/scenario.js';
import { median } from './stats.js';

/** Below this share of the known figure the machine, or the bare part, is not what the goal is about. */
const COMPARABLE_SHARE = 0.8;

export type Samples = Readonly<Partial<Record<Side, readonly Sample[]>>>;

export interface Median {
  readonly value: number;
  /** Shares of a core. */
  readonly cpu: CpuShares;
}

export interface Comparison {
  readonly scenario: string;
  readonly what: string;
  readonly unit: string;
  readonly ours: Median;
  /** `null` where ours is measured alone. */
  readonly other: Other | null;
  readonly theirs: Median | null;
  /** Ours over theirs; `null` where theirs is nothing. */
  readonly ratio: number | null;
  readonly goal: string;
  /** `null` where no figure of the bare part is known. */
  readonly isComparable: boolean | null;
  /** `null` without a goal, or where nothing is comparable. */
  readonly isReached: boolean | null;
}

/** One for each other side, the bare part first; one of ours alone where there is none. */
export function compare(scenario: string, metric: Metric, samples: Samples): Comparison[] {
  const others = OTHERS.filter((other) => samples[other] !== undefined);
  const ours = medianOf(samples.ours ?? [], metric.key);
  if (others.length === 0) return [alone(scenario, metric, ours)];
  return others.map((other) => {
    const theirs = medianOf(samples[other] ?? [], metric.key);
    return beside(scenario, metric, ours, other, theirs);
  });
}

function alone(scenario: string, metric: Metric, ours: Median): Comparison {
  const { what, unit } = metric;
  const isReached = metric.bound === undefined ? null : meets(metric, ours.value, metric.bound);
  const nobody = { other: null, theirs: null, ratio: null, isComparable: null };
  return { scenario, what, unit, ours, ...nobody, goal: goalText(metric, null), isReached };
}

function beside(
  scenario: string,
  metric: Metric,
  ours: Median,
  other: Other,
  theirs: Median,
): Comparison {
  const { what, unit } = metric;
  const quotient = ours.value / theirs.value;
  const ratio = Number.isFinite(quotient) ? quotient : null;
  const isComparable = other === 'bare' ? comparable(metric, theirs.value) : null;
  const isReached = isComparable === false ? null : reached(metric, other, ours.value, ratio);
  const goal = goalText(metric, other);
  return { scenario, what, unit, ours, other, theirs, ratio, goal, isComparable, isReached };
}

function reached(metric: Metric, other: Other, ours: number, ratio: number | null): boolean | null {
  const ratioGoal = metric.goals?.[other];
  const verdicts = [
    ...(ratioGoal === undefined || ratio === null ? [] : [meets(metric, ratio, ratioGoal)]),
    ...(metric.bound === undefined || other !== 'bare' ? [] : [meets(metric, ours, metric.bound)]),
  ];
  // Where a goal gives both, either will do.
  return verdicts.length === 0 ? null : verdicts.includes(true);
}

function meets({ better }: Metric, value: number, goal: number): boolean {
  return better === 'more' ? value >= goal : value <= goal;
}

function goalText(metric: Metric, other: Other | null): string {
  const sign = metric.better === 'more' ? '>=' : '<=';
  const ratio = other === null ? undefined : metric.goals?.[other];
  const isBound = metric.bound !== undefined && (other === null || other === 'bare');
  const parts = [
    ...(ratio === undefined ? [] : [`${sign} ${ratio} x`]),
    ...(isBound ? [`${sign} ${metric.bound.toLocaleString('en-US')} ${metric.unit}`] : []),
  ];
  return parts.join(' or ') || '-';
}

function comparable(metric: Metric, bare: number): boolean | null {
  if (metric.bareFigure === undefined) return null;
  if (metric.better === 'more') return bare >= metric.bareFigure * COMPARABLE_SHARE;
  return bare <= metric.bareFigure / COMPARABLE_SHARE;
}

function medianOf(samples: readonly Sample[], key: string): Median {
  const names = Object.keys(samples[0]?.cpu ?? {});
  return {
    value: median(samples.map((sample) => sample.values[key] ?? Number.NaN)),
    cpu: Object.fromEntries(
      names.map((name) => [name, median(samples.map((sample) => sample.cpu[name] ?? Number.NaN))]),
    ),
  };
}
