/** What a growth curve is: one thing grows, all else stays, and a cost is looked at. */

import type { Axis } from '../axis.js';
import type { CpuShares, Window } from '../harness/load.js';
import type { BenchSettings } from '../settings.js';

export type CurveSide = 'ours' | 'bare';

/** One measurement. */
export interface CurveSample {
  /** Microseconds of CPU, by what is drawn. */
  readonly costs: Readonly<Record<string, number>>;
  readonly cpu: CpuShares;
  readonly window: Window;
}

/** Both sides, started. */
export interface CurveSides {
  measure(side: CurveSide, x: number): Promise<CurveSample>;
  stop(): Promise<void>;
}

export interface CurveLine {
  readonly name: string;
  readonly side: CurveSide;
  /** Of `costs`. */
  readonly key: string;
}

export interface Curve {
  /** Also of the picture's file. */
  readonly name: string;
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly CurveLine[];
  /** The largest cost of the first line over its least, and that of it over bare: at most. */
  readonly flatness?: number;
  /** In ascending order. */
  points(settings: BenchSettings): readonly number[];
  open(settings: BenchSettings): Promise<CurveSides>;
}
