import { elementStarts, rawMember } from '@halley/shared/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayText, objectText, space, valueText } from '../kit/json-text.js';
import { Random } from '../kit/random.js';

const RUNS = { seed: 5, numRuns: 1_500 };
const seeds = fc.integer({ min: 0, max: 0xffff_ffff });

describe('rawMember', () => {
  it.each([
    ['a plain value', '{"data":1}', '1'],
    ['a 19-digit integer', '{"data":9223372036854775807}', '9223372036854775807'],
    ['a spaced value, without its surroundings', '{ "data" :\n [ 1 , 2 ] \t}', '[ 1 , 2 ]'],
    ['an object with its order and spacing', '{"data":{ "b":1,\n"a":2}}', '{ "b":1,\n"a":2}'],
    ['a string with quotes and braces', '{"data":"\\"}],{"}', '"\\"}],{"'],
    ['a string that ends in backslashes', '{"data":"\\\\","x":1}', '"\\\\"'],
    ['the last of several', '{"data":1,"data":2,"x":3}', '2'],
    ['the last of several spellings', '{"data":1,"d\\u0061ta":2}', '2'],
    ['what stands behind a look-alike', '{"datb":1,"dat":2,"data ":3,"data":4}', '4'],
    ['what stands behind a nested one', '{"x":{"data":1},"data":2}', '2'],
    ['null', '{"data":null}', 'null'],
    ['the first member of many', '{"data":[],"x":"data"}', '[]'],
  ])('cuts out %s', (_, text, raw) => {
    expect(rawMember(text, 'data')).toBe(raw);
  });

  it.each([
    ['an empty object', '{}'],
    ['an empty object with a line break', '{\n}'],
    ['a nested member', '{"x":{"data":1}}'],
    ['a value of that text', '{"x":"data"}'],
    ['an escaped look-alike', '{"d\\u0062ta":1,"\\\\data":2}'],
  ])('finds nothing in %s', (_, text) => {
    expect(rawMember(text, 'data')).toBeUndefined();
  });

  it('cuts the very bytes that were posted, and they mean what JSON.parse says', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Random(seed);
        const members = Array.from({ length: random.int(0, 6) }, () => {
          return [random.pick(['data', 'datb', 'x', 'd', '\\data']), valueText(random)] as const;
        });
        const text = space(random) + objectText(members, random) + space(random);
        const posted = members.findLast(([name]) => name === 'data')?.[1];
        expect(rawMember(text, 'data')).toBe(posted);
        const parsed: unknown = JSON.parse(text);
        if (posted !== undefined)
          expect(JSON.parse(posted)).toEqual(Reflect.get(Object(parsed), 'data'));
      }),
      RUNS,
    );
  });

  it('is linear in the length of the text', () => {
    const text = `{${'"a":1,'.repeat(700_000)}"data":7}`;
    const startedAt = performance.now();
    expect(rawMember(text, 'data')).toBe('7');
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });
});

describe('elementStarts', () => {
  it.each([
    ['an empty array', '[]', []],
    ['an empty array with spaces', ' [ \n ] ', []],
    ['scalars', '[1,"a",null]', ['1', '"a"', 'null']],
    ['containers', '[[1,2],{"a":[3]}]', ['[1,2]', '{"a":[3]}']],
    ['brackets in strings', '["],[","}"]', ['"],["', '"}"']],
  ])('finds those of %s', (_, text, elements) => {
    const starts = elementStarts(text);
    expect(starts).toHaveLength(elements.length);
    for (const [index, element] of elements.entries()) {
      expect(text.startsWith(element, starts[index])).toBe(true);
    }
  });

  it('finds where each was posted', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Random(seed);
        const elements = Array.from({ length: random.int(0, 6) }, () => valueText(random));
        const text = space(random) + arrayText(elements, random) + space(random);
        const starts = elementStarts(text);
        expect(starts).toHaveLength(elements.length);
        for (const [index, element] of elements.entries()) {
          expect(text.startsWith(element, starts[index])).toBe(true);
          const before = text.slice(0, starts[index]).trimEnd();
          expect(before.endsWith(index === 0 ? '[' : ',')).toBe(true);
        }
      }),
      RUNS,
    );
  });

  it('leads rawMember to the member of each element', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Random(seed);
        const data = Array.from({ length: random.int(1, 5) }, () => valueText(random));
        const elements = data.map((value) =>
          objectText(
            [
              ['x', '1'],
              ['data', value],
            ],
            random,
          ),
        );
        const text = arrayText(elements, random);
        const cut = elementStarts(text).map((start) => rawMember(text, 'data', start));
        expect(cut).toEqual(data);
      }),
      RUNS,
    );
  });
});
