import { compare } from '@halley/loadtest/comparison';
import { describe, expect, it } from 'vitest';

const RATE = {
  key: 'rate',
  what: 'posts',
  unit: 'POST/s',
  better: 'more',
  bareFigure: 1_000,
  goals: { bare: 0.8, nchan: 1 },
} as const;
const MEMORY = {
  key: 'kilobytes',
  what: 'memory',
  unit: 'KB',
  better: 'less',
  bareFigure: 1,
  bound: 2,
} as const;

function samples(key: string, bare: number[], ours: number[]) {
  const of = (values: number[]) =>
    values.map((value) => ({
      values: { [key]: value },
      cpu: { api: value / 1_000 },
      detail: null,
    }));
  return { bare: of(bare), ours: of(ours) };
}

describe('comparison of the bench', () => {
  it('takes the median of each side, not of the ratios', () => {
    const [result] = compare('post', RATE, samples('rate', [900, 1_000, 5_000], [100, 800, 700]));
    expect(result).toMatchObject({
      other: 'bare',
      ratio: 0.7,
      theirs: { value: 1_000, cpu: { api: 1 } },
      ours: { value: 700, cpu: { api: 0.7 } },
    });
  });

  it.each([
    [800, true],
    [799, false],
  ])('a rate of %i of 1,000 against a goal of 0.8', (ours, isReached) => {
    const [result] = compare('post', RATE, samples('rate', [1_000], [ours]));
    expect(result).toMatchObject({ isReached, goal: '>= 0.8 x' });
  });

  it('knows no ratio to nothing', () => {
    const [result] = compare('post', RATE, samples('rate', [0], [800]));
    expect(result).toMatchObject({ ratio: null });
  });

  it.each([
    [2, true],
    [2.01, false],
  ])('%d KB against a bound of 2 KB', (ours, isReached) => {
    const [result] = compare('memory', MEMORY, samples('kilobytes', [1], [ours]));
    expect(result).toMatchObject({ isReached, goal: '<= 2 KB' });
  });

  it.each([
    [0.7, 90_000, false],
    [0.7, 100_000, true],
    [0.9, 90_000, true],
  ])('a goal of 0.8 or 100,000: %d with %i', (share, ours, isReached) => {
    const metric = { ...RATE, bareFigure: 1_000, bound: 100_000 };
    const [result] = compare('batch', metric, samples('rate', [ours / share], [ours]));
    expect(result).toMatchObject({ isReached, goal: '>= 0.8 x or >= 100,000 POST/s' });
  });

  it.each([
    ['rate' as const, 800, true],
    ['rate' as const, 799, false],
    ['kilobytes' as const, 1.25, true],
    ['kilobytes' as const, 1.26, false],
  ])('bare %s of %d: comparable %s', (key, bare, isComparable) => {
    const metric = key === 'rate' ? RATE : MEMORY;
    const [result] = compare('any', metric, samples(key, [bare], [bare]));
    expect(result?.isComparable).toBe(isComparable);
    expect(result?.isReached === null).toBe(!isComparable);
  });

  it('has a line for each other side, with its own goal', () => {
    const { bare, ours } = samples('rate', [1_000], [900]);
    const lines = compare('post', RATE, { bare, ours, nchan: bare });
    expect(lines).toMatchObject([
      { other: 'bare', goal: '>= 0.8 x', isReached: true },
      { other: 'nchan', goal: '>= 1 x', isReached: false, isComparable: null },
    ]);
  });

  it('has one line for what is measured alone', () => {
    const { ours } = samples('kilobytes', [], [3]);
    const alone = { other: null, ratio: null, isReached: false };
    expect(compare('memory', MEMORY, { ours })).toMatchObject([alone]);
  });
});
