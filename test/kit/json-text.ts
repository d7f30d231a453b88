/** Random JSON as people and machines write it: spaced, escaped, with numbers that doubles cannot hold. */

import type { Random } from './random.js';

const SPACES = ['', '', '', '', ' ', '\n', '\t', '\r\n', '  \n\t '];
const SCALARS = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1.0',
  '1e2',
  '-1.5E-7',
  '9223372036854775807',
  '1234567890123456789',
  '0.1000000000000000055511151231257827',
  '""',
  '"a"',
  '"\\""',
  '"\\\\"',
  '"\\\\\\""',
  '"}"',
  '"],{"',
  '"a\\u0000b"',
  '"\\ud83d\\ude00"',
  '"\\ud800"',
  '"\u00e9\u2028\u{1f600}"',
  '"\\/\\b\\f\\n\\r\\t"',
  '"\\"data\\":1"',
];
const KEYS = ['a', 'data', 'datb', 'Data', 'dat', 'channel', 'id', '', 'a\\b', 'a"b', '__proto__'];

export function space(random: Random): string {
  return random.pick(SPACES);
}

/** A string as JSON, now and then with characters spelled as escapes. */
export function stringText(text: string, random: Random, escapeChance = 0.05): string {
  if (!random.chance(escapeChance)) return JSON.stringify(text);
  let spelled = '"';
  for (let index = 0; index < text.length; index += 1) {
    const isSpelled = random.chance(0.5);
    const hex = text.charCodeAt(index).toString(16).padStart(4, '0');
    if (isSpelled) spelled += `\\u${random.chance(0.5) ? hex : hex.toUpperCase()}`;
    else spelled += JSON.stringify(text[index]).slice(1, -1);
  }
  return `${spelled}"`;
}

export function valueText(random: Random, depth = 3): string {
  if (depth === 0 || random.chance(0.5)) return random.pick(SCALARS);
  const count = random.int(0, 3);
  if (random.chance(0.5)) {
    return arrayText(
      Array.from({ length: count }, () => valueText(random, depth - 1)),
      random,
    );
  }
  const members: [string, string][] = Array.from({ length: count }, () => [
    random.pick(KEYS),
    valueText(random, depth - 1),
  ]);
  return objectText(members, random);
}

export function arrayText(elements: readonly string[], random: Random): string {
  if (elements.length === 0) return `[${space(random)}]`;
  const spaced = elements.map((element) => space(random) + element + space(random));
  return `[${spaced.join(',')}]`;
}

/** @param members names, which may repeat, and the texts of their values */
export function objectText(
  members: readonly (readonly [string, string])[],
  random: Random,
): string {
  if (members.length === 0) return `{${space(random)}}`;
  const spaced = members.map(
    ([name, value]) =>
      `${space(random)}${stringText(name, random)}${space(random)}:${space(random)}${value}${space(random)}`,
  );
  return `{${spaced.join(',')}}`;
}
