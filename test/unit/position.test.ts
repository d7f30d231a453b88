import {
  comparePositions,
  isEmptyPosition,
  isPosition,
  ORIGIN,
  positionOf,
  streamId,
  timeOf,
} from '@halley/shared/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const DIGITS_15 = '9'.repeat(15);

const VALID = [
  '0-0',
  '0-1',
  '0-1700000000000',
  `0-${DIGITS_15}`,
  '1-0.0000',
  '1700000000000-0.a1z9',
  '1700000000000-42.zzzz',
  `${DIGITS_15}-${DIGITS_15}.zzzz`,
];

const INVALID: readonly [why: string, value: unknown][] = [
  ['empty', ''],
  ['no sequence', '1700000000000'],
  ['no nonce', '1700000000000-0'],
  ['an empty position with a nonce', '0-0.abcd'],
  ['a nonce that is too short', '1700000000000-0.abc'],
  ['a nonce that is too long', '1700000000000-0.abcde'],
  ['capitals in the nonce', '1700000000000-0.ABCD'],
  ['a character that no nonce holds', '1700000000000-0.ab-d'],
  ['a leading zero in the time', '01-0.abcd'],
  ['a leading zero in the sequence', '1-00.abcd'],
  ['a leading zero in an empty position', '0-01'],
  ['a sign', '+1-0.abcd'],
  ['a negative time', '-1-0.abcd'],
  ['a fraction', '1.5-0.abcd'],
  ['an exponent', '1e3-0.abcd'],
  ['a time beyond 15 digits', `1${DIGITS_15}-0.abcd`],
  ['a sequence beyond 15 digits', `1-1${DIGITS_15}.abcd`],
  ['white space before', ' 1-0.abcd'],
  ['white space after', '1-0.abcd '],
  ['a line break after', '1-0.abcd\n'],
  ['a second line', '1-0.abcd\n1-0.abcd'],
  ['digits of another script', '\u0661-0.abcd'],
  ['ids of Redis that name no message', '-'],
  ['ids of Redis that name the end', '+'],
  ['ids of Redis that exclude', '(1-0.abcd'],
  ['a number', 1_700_000_000_000],
  ['null', null],
  ['undefined', undefined],
  ['an array of one position', ['1-0.abcd']],
  ['an object that prints as one', { toString: () => '1-0.abcd' }],
];

describe('isPosition', () => {
  it.each(VALID)('takes %s', (position) => {
    expect(isPosition(position)).toBe(true);
  });

  it.each(INVALID)('refuses %s', (_, value) => {
    expect(isPosition(value)).toBe(false);
  });

  it('takes what an edge gives to somebody who has seen nothing', () => {
    expect(isPosition(positionOf(null, Date.now()))).toBe(true);
    expect(isPosition(ORIGIN)).toBe(true);
  });
});

describe('the parts of a position', () => {
  it.each([
    { position: '1700000000000-42.abcd', id: '1700000000000-42', timeMs: 1_700_000_000_000 },
    { position: '1-0.0000', id: '1-0', timeMs: 1 },
    { position: '0-1700000000000', id: '0-1700000000000', timeMs: 1_700_000_000_000 },
    { position: ORIGIN, id: '0-0', timeMs: 0 },
  ])('of $position', ({ position, id, timeMs }) => {
    expect(streamId(position)).toBe(id);
    expect(timeOf(position)).toBe(timeMs);
    expect(isEmptyPosition(position)).toBe(position.startsWith('0-'));
  });

  it('are the top where there is one', () => {
    expect(positionOf('5-0.abcd', 9)).toBe('5-0.abcd');
    expect(positionOf(null, 9)).toBe('0-9');
  });
});

describe('comparePositions', () => {
  it.each([
    { lower: '1-0.abcd', higher: '2-0.abcd' },
    { lower: '9-0.abcd', higher: '10-0.abcd' },
    { lower: '1-9.abcd', higher: '1-10.abcd' },
    { lower: '999999999999-0.abcd', higher: '1000000000000-0.abcd' },
    { lower: ORIGIN, higher: '1-0.abcd' },
    { lower: `0-${DIGITS_15}`, higher: '1-0.abcd' },
  ])('$lower lies below $higher', ({ lower, higher }) => {
    expect(comparePositions(lower, higher)).toBeLessThan(0);
    expect(comparePositions(higher, lower)).toBeGreaterThan(0);
  });

  it('knows no order between two messages of one id', () => {
    expect(comparePositions('7-1.aaaa', '7-1.bbbb')).toBe(0);
  });

  it('sorts as the stream ids do', () => {
    const part = fc.integer({ min: 1, max: 999_999_999_999_999 });
    const both = fc.tuple(part, part, part, part);
    fc.assert(
      fc.property(both, ([msA, seqA, msB, seqB]) => {
        const order = Math.sign(comparePositions(`${msA}-${seqA}.abcd`, `${msB}-${seqB}.dcba`));
        expect(order).toBe(Math.sign(msA - msB || seqA - seqB));
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });
});
