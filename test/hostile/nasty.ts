/** Values that parsers trip over, and bytes that were valid before somebody was at them. */

import type { Random } from '../kit/random.js';

const LONG = 9_000;
const DEEP = 5_000;
const EDITS_MAX = 4;

/** As they stand in a URL. */
export const URL_VALUES: readonly string[] = [
  '',
  '%',
  '%zz',
  '%00',
  '%ff%fe',
  '%c0%af',
  '%ed%a0%80',
  '%0d%0aX-Injected:%201',
  '%0a%0adata:%20injected',
  '%e2%80%a8%e2%80%a9',
  '%f0%9f%98%80',
  '..%2f..%2fetc%2fpasswd',
  '../../../../etc/passwd',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '-1',
  '0',
  '1e309',
  '9007199254740993',
  '99999999999999999999999999',
  '1.5',
  'NaN',
  '0x10',
  '0-0',
  '1795281213036-8.tfzk',
  '999999999999999-999999999999999.zzzz',
  'demo:a',
  'demo:a,demo:b',
  'demo:*',
  '*',
  '@client:ann',
  ':',
  '~',
  '~zz',
  'alert(1)//',
  '%3Cscript%3E',
  "'%22%3E%3C",
  'a'.repeat(LONG),
  '%e4%b8%ad'.repeat(LONG / 9),
  '{"a":1}',
  '%5B%5D',
  'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJleHAiOjk5OTk5OTk5OTl9.',
  'eyJhbGciOiJIUzI1NiJ9.e30.AAAA',
  '.....',
];

/** As they stand in JSON. */
export const JSON_VALUES: readonly string[] = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e308',
  '1e400',
  '9007199254740993',
  '123456789012345678901234567890',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u2028"',
  '"__proto__"',
  '"a\\r\\nX-Injected: 1"',
  '"\\n\\ndata: injected\\n\\n"',
  '"<script>alert(1)</script>"',
  '"demo:a"',
  '"ann"',
  '"*"',
  '"{sub}"',
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '["demo:a","demo:a"]',
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"a":1,"a":2}',
  '{"toString":1,"valueOf":null}',
  '"\u{1f600}"',
  `"${'x'.repeat(LONG)}"`,
  `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
  `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
  '['.repeat(DEEP),
  `[${'0,'.repeat(LONG)}0]`,
];

/** Every field that some call or frame has, and some that none has. */
const FIELDS: readonly string[] = [
  'data',
  'event',
  'key',
  'from',
  'channel',
  'channels',
  'client',
  'clients',
  'clientId',
  'messages',
  'ttlSeconds',
  'subscribe',
  'publish',
  'presence',
  'info',
  'seconds',
  'code',
  'ids',
  'before',
  'connectionId',
  'id',
  'message',
  'text',
  'to',
  '__proto__',
  'constructor',
  '',
];

export function jsonBody(random: Random): Buffer {
  if (random.chance(0.15)) return Buffer.from(random.pick(JSON_VALUES));
  const members = Array.from({ length: random.int(0, 5) }, () => {
    const value = random.chance(0.4) ? '"demo:a"' : random.pick(JSON_VALUES);
    return `${JSON.stringify(random.pick(FIELDS))}:${value}`;
  });
  const body = Buffer.from(`{${members.join(',')}}`);
  return random.chance(0.3) ? mutated(body, random) : body;
}

/** The query of a URL with one or more values exchanged, repeated, or without a sign of equality. */
export function nastyQuery(query: string, random: Random): string {
  const pairs = query.split('&').filter((pair) => pair !== '');
  for (let edits = random.int(1, 3); edits > 0; edits -= 1) {
    const name = pairs.length === 0 ? 'x' : (random.pick(pairs).split('=')[0] ?? 'x');
    const value = random.pick(URL_VALUES);
    const at = random.int(0, pairs.length);
    const change = random.int(0, 4);
    if (change < 3) pairs.splice(at, 1, `${name}=${value}`);
    else if (change === 3) pairs.splice(at, 0, ...Array.from({ length: 70 }, () => `${name}=x`));
    else pairs.splice(at, 0, random.pick([name, '=', '&&', value]));
  }
  return pairs.join('&');
}

/** The bytes with some exchanged, lost, doubled or put in. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let edits = random.int(1, EDITS_MAX); edits > 0; edits -= 1) {
    const at = random.int(0, result.length);
    const length = random.chance(0.2) ? random.int(0, result.length - at) : random.int(0, 3);
    const piece = result.subarray(at, at + length);
    const put = random.weighted([
      [3, noise(random, random.int(0, 8))],
      [1, Buffer.concat([piece, piece])],
      [1, Buffer.from(random.pick(['\r\n', '\n', '\r', '\0', ' ', '\t', ':', '%', '\u2028']))],
      [1, Buffer.of()],
    ]);
    result = Buffer.concat([result.subarray(0, at), put, result.subarray(at + length)]);
  }
  return result;
}

export function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(0, 255)));
}
