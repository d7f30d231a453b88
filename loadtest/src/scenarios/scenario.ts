/** What a scenario is: two sides that are measured in turn, and what counts of their samples. */

import type { CpuShares } from '../harness/load.js';
import type { Side } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';

export interface Metric {
  /** Name of the value in a sample. */
  readonly key: string;
  readonly what: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** What the bare part reaches on 2 cores. A run in which it is far off compares nothing. */
  readonly bareFigure?: number;
  readonly goal?: Goal;
}

/** Ours over bare, or a bound for ours alone. */
export type Goal = { readonly ratio: number } | { readonly atMost: number };

export interface Sample {
  readonly values: Readonly<Record<string, number>>;
  readonly cpu: CpuShares;
  /** Everything else that was seen, for the file of results. */
  readonly detail: unknown;
}

/** Both sides, started; they are measured in turn. */
export interface Sides {
  measure(side: Side): Promise<Sample>;
  stop(): Promise<void>;
}

export interface Scenario {
  readonly name: string;
  readonly metrics: readonly Metric[];
  open(settings: BenchSettings): Promise<Sides>;
}
