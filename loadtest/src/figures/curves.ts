/** Measures growth curves point by point and draws them where pictures are asked for. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lineChart } from '../chart.js';
import { bytes } from '../curves/bytes.js';
import { channels } from '../curves/channels.js';
import { connections } from '../curves/connections.js';
import type { Curve, CurveLine, CurveSample, CurveSide } from '../curves/curve.js';
import { edges } from '../curves/edges.js';
import type { BenchSettings } from '../settings.js';
import { median } from '../stats.js';
import type { Figure, FigureResult, FigureRow } from './figure.js';

/** In turn: a machine that slows down meanwhile slows down both. */
const SIDES: readonly CurveSide[] = ['bare', 'ours'];

interface Point {
  readonly x: number;
  /** Of each round. */
  readonly samples: Readonly<Record<CurveSide, readonly CurveSample[]>>;
}

interface DrawnLine extends CurveLine {
  readonly points: readonly (readonly [number, number])[];
  /** The largest value over the least. */
  readonly flatness: number;
}

export const curves: readonly Figure[] = [channels, connections, bytes, edges].map((curve) => ({
  name: `curve-${curve.name}`,
  measure: (settings) => measure(curve, settings),
}));

async function measure(curve: Curve, settings: BenchSettings): Promise<FigureResult> {
  const rounds: RoundPoint[][] = [];
  while (rounds.length < settings.curveRounds) rounds.push(await measureRound(curve, settings));
  const points = curve.points(settings).map((x, at): Point => {
    const samplesOf = (side: CurveSide) => rounds.flatMap((round) => round[at]?.[side] ?? []);
    return { x, samples: { bare: samplesOf('bare'), ours: samplesOf('ours') } };
  });
  const lines = curve.lines.map((line) => drawnLine(line, points));
  if (settings.picturesFolder !== null) await draw(curve, lines, settings.picturesFolder);
  return { rows: rowsOf(curve, lines), detail: { lines, points } };
}

type RoundPoint = Readonly<Record<CurveSide, CurveSample>>;

/** Each round has servers of its own: what one has left behind is not seen by the next. */
async function measureRound(curve: Curve, settings: BenchSettings): Promise<RoundPoint[]> {
  const sides = await curve.open(settings);
  try {
    const points: RoundPoint[] = [];
    const [first = 0] = curve.points(settings);
    // Code that has hardly run is slow: the first point would be the dearest.
    for (const side of SIDES) await sides.measure(side, first);
    for (const x of curve.points(settings)) {
      const samples: Partial<Record<CurveSide, CurveSample>> = {};
      for (const side of SIDES) samples[side] = await sides.measure(side, x);
      points.push(samples as RoundPoint);
    }
    return points;
  } finally {
    await sides.stop();
  }
}

function drawnLine(line: CurveLine, measured: readonly Point[]): DrawnLine {
  const points = measured.map(({ x, samples }): readonly [number, number] => {
    const costs = samples[line.side].map((sample) => sample.costs[line.key] ?? Number.NaN);
    return [x, median(costs)];
  });
  return lineOf(line, points);
}

function lineOf(line: CurveLine, points: DrawnLine['points']): DrawnLine {
  const costs = points.map(([, cost]) => cost);
  return { ...line, points, flatness: Math.max(...costs) / Math.min(...costs) };
}

function rowsOf({ x, y, flatness }: Curve, lines: readonly DrawnLine[]): FigureRow[] {
  const [first] = lines;
  const rows = lines.flatMap((line) => {
    const isGoal = flatness !== undefined && line === first;
    return [
      { what: `${line.name}: ${y.label} by ${x.label}`, value: pointsText(line) },
      { what: `${line.name}: max / min`, value: goalText(line, isGoal ? flatness : null) },
    ];
  });
  const bare = lines.find(({ side, key }) => side === 'bare' && key === first?.key);
  if (first === undefined || bare === undefined) return rows;
  // What both lack, the machine lacks: a neighbour, a cache that is too small.
  const ratio = lineOf(
    first,
    first.points.map(([x, cost], at) => [x, cost / (bare.points[at]?.[1] ?? Number.NaN)]),
  );
  const what = `${first.name} over bare`;
  return [
    ...rows,
    { what: `${what}: ratio by ${x.label}`, value: pointsText(ratio) },
    { what: `${what}: max / min`, value: goalText(ratio, flatness ?? null) },
  ];
}

function pointsText({ points }: DrawnLine): string {
  return points.map(([x, cost]) => `${number(x)}: ${number(cost)}`).join(', ');
}

function goalText({ flatness }: DrawnLine, goal: number | null): string {
  if (goal === null) return flatness.toFixed(2);
  return `${flatness.toFixed(2)} (goal <= ${goal}: ${flatness <= goal ? 'yes' : 'NO'})`;
}

/** Three digits say all that two shared cores can measure; what was set has no more. */
function number(value: number): string {
  const digits = Number.isInteger(value) ? 6 : 3;
  return value.toLocaleString('en-US', { maximumSignificantDigits: digits });
}

async function draw(
  { name, title, x, y }: Curve,
  lines: readonly DrawnLine[],
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.svg`), lineChart({ title, x, y, series: lines }));
}
