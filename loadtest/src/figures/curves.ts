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
  return { rows: lines.flatMap((line, at) => rowsOf(curve, line, at)), detail: { lines, points } };
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
  const costs = points.map(([, cost]) => cost);
  return { ...line, points, flatness: Math.max(...costs) / Math.min(...costs) };
}

function rowsOf({ x, y, flatness }: Curve, line: DrawnLine, at: number): FigureRow[] {
  const costs = line.points.map(([x, y]) => `${x.toLocaleString('en-US')}: ${y.toPrecision(3)}`);
  const flat = line.flatness.toFixed(2);
  const goal =
    flatness === undefined || at > 0
      ? ''
      : ` (goal <= ${flatness}: ${line.flatness <= flatness ? 'yes' : 'NO'})`;
  return [
    { what: `${line.name}, ${y.label} by ${x.label}`, value: costs.join(', ') },
    { what: `${line.name}, max / min`, value: `${flat}${goal}` },
  ];
}

async function draw(
  { name, title, x, y }: Curve,
  lines: readonly DrawnLine[],
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.svg`), lineChart({ title, x, y, series: lines }));
}
