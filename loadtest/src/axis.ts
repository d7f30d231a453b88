/** One axis of a chart: its ends, its ticks, and where a value lies between them. */

export interface Axis {
  /** With the unit. */
  readonly label: string;
  /** Equal factors take equal room; all values are then above 0. */
  readonly log?: boolean;
  /** Value at the axis' start where it is below the data's least: 0 shows proportions as they are. */
  readonly from?: number;
  /** In their order, where round numbers say less than these; the axis then ends where the data does. */
  readonly ticks?: readonly number[];
}

export interface Scale {
  readonly ticks: readonly number[];
  /** 0 at the axis' start, 1 at its end. */
  share(value: number): number;
}

const LINEAR_TICKS = 6;
const NICE = [1, 2, 5, 10] as const;
/** Above so many decades a label for each of them is enough. */
const FEW_DECADES = 2.5;
/** Ends that floating point moved past a tick by this share of a step are still on it. */
const TICK_TOLERANCE = 1e-9;
const MILLION = 1e6;
const BILLION = 1e9;

/** @throws Error without values, or with one that the axis has no place for */
export function scaleOf(axis: Axis, values: readonly number[]): Scale {
  const all = [...values, ...(axis.from === undefined ? [] : [axis.from]), ...(axis.ticks ?? [])];
  const least = axis.log ? Number.MIN_VALUE : Number.NEGATIVE_INFINITY;
  if (values.length === 0) throw new Error(`${axis.label}: no values`);
  for (const value of all) {
    if (!Number.isFinite(value) || value < least)
      throw new Error(`${axis.label}: no place for ${value}`);
  }
  const min = all.reduce((a, b) => Math.min(a, b));
  const max = all.reduce((a, b) => Math.max(a, b));
  if (axis.ticks !== undefined) return givenScale(axis, axis.ticks, min, max);
  return axis.log ? logScale(min, max) : linearScale(min, max);
}

/** 1,000 and 19,000 in full, 1.5 M and 2 G above. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= BILLION) return `${shorten(value / BILLION, 4)} G`;
  if (size >= MILLION) return `${shorten(value / MILLION, 4)} M`;
  return shorten(value, 6);
}

function shorten(value: number, digits: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: digits });
}

function givenScale({ log }: Axis, ticks: readonly number[], min: number, max: number): Scale {
  const place = (value: number) => (log ? Math.log10(value) : value);
  const span = place(max) - place(min) || 1;
  return { ticks, share: (value) => (place(value) - place(min)) / span };
}

function linearScale(min: number, max: number): Scale {
  const span = max - min || Math.abs(max) || 1;
  const step = niceAbove(span / LINEAR_TICKS);
  const first = Math.floor(min / step + TICK_TOLERANCE);
  const last = Math.max(Math.ceil(max / step - TICK_TOLERANCE), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return { ticks, share: (value) => (value / step - first) / (last - first) };
}

function logScale(min: number, max: number): Scale {
  const start = niceBelow(min);
  const end = Math.max(niceAbove(max), start * 2);
  const decades = Math.log10(end / start);
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(start)); power <= Math.log10(end); power += 1) {
    for (const digit of decades > FEW_DECADES ? [1] : [1, 2, 5]) ticks.push(digit * 10 ** power);
  }
  return {
    ticks: ticks.filter((tick) => tick >= start && tick <= end),
    share: (value) => Math.log10(value / start) / decades,
  };
}

/** The least of 1, 2, 5, 10, 20, ... that is not below `value`. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = NICE.find((nice) => nice * power >= value * (1 - TICK_TOLERANCE));
  return (digit ?? 10) * power;
}

function niceBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = NICE.findLast((nice) => nice * power <= value * (1 + TICK_TOLERANCE));
  return (digit ?? 1) * power;
}
