import { type LineChart, lineChart } from '@halley/loadtest/chart';
import { describe, expect, it } from 'vitest';

const CHART: LineChart = {
  title: 'cost & <size>',
  x: { label: 'channels', log: true },
  y: { label: 'us', from: 0 },
  series: [
    {
      name: 'ours',
      points: [
        [1, 9],
        [1_000, 10.5],
      ],
    },
  ],
};

/** The labels of an axis, in the order of its ticks. */
function ticksOf(svg: string, anchor: 'end' | 'middle'): string[] {
  const labels = svg.matchAll(
    new RegExp(`class="tick" text-anchor="${anchor}">([^<]*)</text>`, 'g'),
  );
  return [...labels].map(([, label = '']) => label);
}

function dotsOf(svg: string): string[] {
  return [...svg.matchAll(/cx="([^"]*)" cy="([^"]*)"/g)].map(([, x, y]) => `${x},${y}`);
}

function chartOf(points: LineChart['series'][number]['points'], axes: Partial<LineChart> = {}) {
  return lineChart({ ...CHART, y: { label: 'us' }, ...axes, series: [{ name: 'ours', points }] });
}

describe('line chart of the bench', () => {
  it('names what is shown, as text that cannot be markup', () => {
    const svg = lineChart(CHART);
    for (const name of ['cost &amp; &lt;size&gt;', 'channels', 'us', 'ours']) {
      expect(svg).toContain(`>${name}</text>`);
    }
    expect(svg).not.toContain('<size>');
  });

  it('has colours for pages of both kinds', () => {
    expect(lineChart(CHART)).toContain('@media(prefers-color-scheme:dark)');
  });

  it('gives a decade of a log axis one tick, and all decades the same room', () => {
    const svg = chartOf([
      [1, 1],
      [10, 1],
      [100, 1],
      [1_000, 1],
    ]);
    expect(ticksOf(svg, 'middle')).toEqual(['1', '10', '100', '1,000']);
    const lefts = dotsOf(svg).map((dot) => Number.parseFloat(dot));
    const steps = lefts.slice(1).map((left, index) => left - (lefts[index] ?? 0));
    for (const step of steps) expect(step).toBeCloseTo(steps[0] ?? 0, 0);
  });

  it('gives few decades ticks at 1, 2 and 5', () => {
    const svg = chartOf([
      [1_000, 1],
      [19_000, 1],
    ]);
    expect(ticksOf(svg, 'middle')).toEqual(['1,000', '2,000', '5,000', '10,000', '20,000']);
  });

  it('ends a linear axis at round numbers around the data, from where it is told', () => {
    const points = [
      [1, 9],
      [2, 10.5],
    ] as const;
    const linear = { x: { label: 'edges' } };
    expect(ticksOf(chartOf(points, linear), 'end')).toEqual(['9', '9.5', '10', '10.5']);
    const fromZero = chartOf(points, { ...linear, y: { label: 'us', from: 0 } });
    expect(ticksOf(fromZero, 'end')).toEqual(['0', '2', '4', '6', '8', '10', '12']);
  });

  it('takes the ticks that it is given', () => {
    const ticks = [64, 65_536];
    const svg = chartOf(
      [
        [64, 1],
        [65_536, 1],
      ],
      { x: { label: 'bytes', log: true, ticks } },
    );
    expect(ticksOf(svg, 'middle')).toEqual(['64', '65,536']);
  });

  it('shortens millions', () => {
    const svg = chartOf(
      [
        [0, 0],
        [1_500_000, 2_400_000_000],
      ],
      { x: { label: 'connections' } },
    );
    expect(ticksOf(svg, 'middle')).toContain('1.5 M');
    expect(ticksOf(svg, 'end')).toContain('2 G');
  });

  it('shows a series of one value', () => {
    const svg = chartOf([[7, 7]], { x: { label: 'edges' } });
    expect(dotsOf(svg)).toHaveLength(1);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it('refuses what an axis has no place for', () => {
    expect(() => chartOf([[0, 1]])).toThrow('channels: no place for 0');
    expect(() => chartOf([[1, Number.NaN]])).toThrow('us: no place for NaN');
    expect(() => chartOf([])).toThrow('channels: no values');
  });

  it('refuses more series than it has colours for', () => {
    const series = Array.from({ length: 7 }, () => CHART.series[0] as LineChart['series'][number]);
    expect(() => lineChart({ ...CHART, series })).toThrow('7 series, at most 6');
  });
});
