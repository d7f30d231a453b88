import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatAgainst, readComparisons } from '@halley/loadtest/against';
import type { Comparison } from '@halley/loadtest/comparison';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

function comparison(what: string, ours: number, theirs: number | null): Comparison {
  return {
    scenario: 'post',
    what,
    unit: 'POST/s',
    ours: { value: ours, cpu: {} },
    other: theirs === null ? null : 'bare',
    theirs: theirs === null ? null : { value: theirs, cpu: {} },
    ratio: theirs === null ? null : ours / theirs,
    goal: '-',
    isComparable: null,
    isReached: null,
  };
}

/** The cells of each line but the head and its rule. */
function cells(table: string): string[][] {
  return table
    .split('\n')
    .slice(2)
    .map((line) => line.split(/ {2,}/));
}

describe('a run against an earlier one', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'halley-against-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives both values of ours, how they stand, and both ratios', () => {
    const table = formatAgainst([comparison('posts', 900, 1_000)], [comparison('posts', 600, 800)]);
    expect(cells(table)).toEqual([
      ['posts (POST/s)', 'bare', '600', '900', '1.50', '0.75', '0.90'],
    ]);
  });

  it('has no ratio of what stands alone, and nothing then of what is new', () => {
    const now = [comparison('alone', 20, null), comparison('new', 10, 20)];
    expect(cells(formatAgainst(now, [comparison('alone', 10, null)]))).toEqual([
      ['alone (POST/s)', '-', '10', '20', '2.00', '-', '-'],
      ['new (POST/s)', 'bare', '-', '10', '-', '-', '0.50'],
    ]);
  });

  it('tells apart the same line beside others', () => {
    const then = comparison('posts', 600, 800);
    const table = formatAgainst([{ ...then, other: 'nchan' }], [then]);
    expect(cells(table)[0]?.slice(0, 3)).toEqual(['posts (POST/s)', 'nchan', '-']);
  });

  it.each(['{', '{}', 'null', '{"comparisons":1}'])('refuses a file with %s', async (text) => {
    const path = join(folder, 'then.json');
    await writeFile(path, text);
    await expect(readComparisons(path)).rejects.toThrow(`${path} holds no results of the bench`);
  });
});
