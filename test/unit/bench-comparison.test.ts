import { compare } from '@halley/loadtest/comparison';
import { describe, expect, it } from 'vitest';

const RATE = {
  key: 'rate',
  what: 'posts',
  unit: 'POST/s',
  better: 'more',
  bareFigure: 1_000,
  goal: { ratio: 0.8 },
} as const;
const MEMORY = {
  key: 'kilobytes',
  what: 'memory',
  unit: 'KB',
  better: 'less',
  bareFigure: 1,
  goal: { atMost: 2 },
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
    const result = compare('post', RATE, samples('rate', [900, 1_000, 5_000], [100, 800, 700]));
    expect(result).toMatchObject({ bare: 1_000, ours: 700, ratio: 0.7 });
    expect(result.cpu).toEqual({ bare: { api: 1 }, ours: { api: 0.7 } });
  });

  it.each([
    [800, { goal: true, halfGoal: true }],
    [799, { goal: false, halfGoal: true }],
    [400, { goal: false, halfGoal: true }],
    [399, { goal: false, halfGoal: false }],
  ])('a rate of %i of 1,000 against a goal of 0.8', (ours, reaches) => {
    expect(compare('post', RATE, samples('rate', [1_000], [ours])).reaches).toEqual(reaches);
  });

  it.each([
    [2, { goal: true, halfGoal: true }],
    [2.01, { goal: false, halfGoal: true }],
    [4.01, { goal: false, halfGoal: false }],
  ])('%d KB against a bound of 2 KB', (ours, reaches) => {
    expect(compare('memory', MEMORY, samples('kilobytes', [1], [ours])).reaches).toEqual(reaches);
  });

  it.each([
    ['rate' as const, 800, true],
    ['rate' as const, 799, false],
    ['kilobytes' as const, 1.25, true],
    ['kilobytes' as const, 1.26, false],
  ])('bare %s of %d: comparable %s', (key, bare, isComparable) => {
    const metric = key === 'rate' ? RATE : MEMORY;
    const result = compare('any', metric, samples(key, [bare], [bare]));
    expect(result.isComparable).toBe(isComparable);
    expect(result.reaches === null).toBe(!isComparable);
  });
});
