/** What a scenario is: sides that are measured in turn, and what counts of their samples. */

import type { CpuShares } from '../harness/load.js';
import type { Other, Side, Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';

export interface Metric {
  /** Name of the value in a sample. */
  readonly key: string;
  readonly what: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** What the bare part reaches on 2 cores. A run in which it is far off compares nothing. */
  readonly bareFigure?: number;
  /** Ours over theirs: at least so much where more is better, else at most. */
  readonly goals?: Readonly<Partial<Record<Other, number>>>;
  /** For ours alone, in the metric's unit, with the same sense. */
  readonly bound?: number;
}

export interface Sample {
  readonly values: Readonly<Record<string, number>>;
  readonly cpu: CpuShares;
  /** Everything else that was seen, for the file of results. */
  readonly detail: unknown;
}

/** All that are measured, started. */
export interface Sides {
  readonly names: readonly Side[];
  measure(side: Side): Promise<Sample>;
  stop(): Promise<void>;
}

/** Stacks that stay up as long as the scenarios that follow each other want the same. */
export interface Stage {
  openSides(
    starts: readonly (() => Promise<Stack>)[],
    measure: (stack: Stack) => Promise<Sample>,
  ): Promise<Sides>;
}

export interface Scenario {
  readonly name: string;
  readonly metrics: readonly Metric[];
  /** Where a round takes long and differs little from the next one. */
  readonly roundsMax?: number;
  /** The same for peers. */
  readonly peerRoundsMax?: number;
  /** @param stage for a scenario that has no need of fresh stacks */
  open(settings: BenchSettings, stage: Stage): Promise<Sides>;
}
