/** Streams to the MegaComet manager: right frames, wrong ones and garbage, and where they are cut. */

import { lineFrame, messageFrame } from '../kit/megacomet-app.js';
import type { Random } from '../kit/random.js';
import type { ModelLimits } from './megacomet-model.js';

const WORDS = [
  'Hi',
  '',
  'Gday mate',
  'прив\u00e9t',
  '\ufeffbom',
  'a\tb\r\n',
  '{"x":1}',
  '\u0001\u0002',
];
const DATA: readonly unknown[] = [
  0,
  -1.5e300,
  null,
  true,
  '',
  'text',
  'línea\n\u0000\u0001\u0002',
  [],
  [1, [2, { a: '}' }]],
  { b: 1, a: { message: 'inner', id: 'x' } },
];
const EVENTS = ['news', 'é', 'e'.repeat(100)];
const INVALID_UTF8 = [
  [0xff],
  [0xc3],
  [0xe2, 0x82],
  [0xc0, 0x80 + 1],
  [0xed, 0xa0, 0x81],
  [0xf5, 0x81],
];
const WRONG_NAMES = ['', '\u0007bell', 'a\u007f', '\u0085next'];
const WRONG_LINES = [
  '{}',
  '{',
  '{{}',
  '{"id":"Sue"}',
  '{"message":1}',
  '{"id":1,"message":1}',
  '{"id":"","message":1}',
  '{"id":"\\ud800","message":1}',
  '{"id":"Sue","message":1,"more":2}',
  '{"id":"Sue","message":1,"event":""}',
  '{"id":"Sue","message":1,"key":7}',
  '{"id":"Sue","message":1} trailing',
  '{"id":"Sue","message":01}',
  '{"id":"Sue","message":"\u0000"}',
];

type Piece = (random: Random, names: readonly string[], limits: ModelLimits) => Buffer;

const PIECES: readonly (readonly [weight: number, piece: Piece])[] = [
  [
    30,
    (random, names) => messageFrame(random.pick(names), random.pick(WORDS).replaceAll('\0', '')),
  ],
  [20, line],
  [5, (random) => Buffer.of(1, random.int(0, 255))],
  [5, (random) => garbage(random, 12)],
  [2, (random) => Buffer.from(random.pick(['\r\n', '\n\n', '\0', '\0\0\0', ' ']))],
  [3, (random, names, limits) => sized(random, random.pick(names), limits.messageMaxBytes)],
  [3, (random, _, limits) => messageFrame('n'.repeat(limits.idMaxBytes + random.int(-1, 40)), 'x')],
  [3, wrongUtf8],
  [2, (random) => messageFrame(random.pick(WRONG_NAMES), 'x')],
  [5, (random) => Buffer.from(`${random.pick(WRONG_LINES)}${random.pick(['\n', '\r\n'])}`)],
  [
    2,
    (random, names) =>
      Buffer.from(`{"id":"${random.pick(names)}","mess${random.pick(['\x01', '\x02', '{'])}`),
  ],
  [2, longLine],
  [2, (random, names) => cutShort(random, messageFrame(random.pick(names), 'cut'))],
];

/** Ends such that the next byte begins a frame, whatever stands before. */
export const RESYNC = Buffer.from('\0\0\n');

export function makeStream(
  random: Random,
  names: readonly string[],
  limits: ModelLimits,
  pieces: number,
): Buffer {
  const parts = Array.from({ length: pieces }, () =>
    random.weighted(PIECES)(random, names, limits),
  );
  return Buffer.concat(parts);
}

/** @param longest bytes of a piece; one in five is a single byte */
export function cut(
  random: Random,
  stream: Buffer,
  longest = random.pick([1, 3, 40, 1_000, 20_000]),
): Buffer[] {
  const segments: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = random.chance(0.2) ? 1 : random.int(1, longest);
    segments.push(stream.subarray(at, at + length));
    at += length;
  }
  return segments;
}

let lastKey = 0;

function line(random: Random, names: readonly string[]): Buffer {
  const id = random.pick(names);
  const message = random.pick(DATA);
  const event = random.chance(0.3) ? { event: random.pick(EVENTS) } : {};
  lastKey += 1;
  const key = random.chance(0.2) ? { key: `key ${lastKey}` } : {};
  const fields = random.chance(0.5)
    ? { id, message, ...event, ...key }
    : { ...event, message, ...key, id };
  const end = random.pick(['\n', '\r\n']);
  if (random.chance(0.6)) return lineFrame(fields, end);
  // Spaces, an escaped name of a field, and a first value that the last one of its name replaces.
  const spaced = JSON.stringify(fields).replaceAll('":', '" :\t').replace('"id"', '"\\u0069d"');
  return Buffer.from(`{"message": [0],${spaced.slice(1)}${end}`);
}

/** A message about as long as may be. */
function sized(random: Random, name: string, maxBytes: number): Buffer {
  return messageFrame(name, random.pick(['m', 'é', '"']).repeat(maxBytes + random.int(-3, 2)));
}

function longLine(random: Random, names: readonly string[], limits: ModelLimits): Buffer {
  const head = `{"id":"${random.pick(names)}","message":1`;
  const spaces = limits.lineMaxBytes - Buffer.byteLength(head) - 1 + random.int(-2, 2);
  return Buffer.from(`${head}${' '.repeat(Math.max(0, spaces))}}\n`);
}

function wrongUtf8(random: Random, names: readonly string[]): Buffer {
  const wrong = Buffer.from(random.pick(INVALID_UTF8));
  const name = random.pick(names);
  return random.weighted([
    [1, messageFrame(Buffer.concat([Buffer.from(name), wrong]), 'x')],
    [1, messageFrame(name, Buffer.concat([Buffer.from('x'), wrong]))],
    [1, Buffer.concat([Buffer.from(`{"id":"${name}","message":"`), wrong, Buffer.from('"}\n')])],
  ]);
}

function garbage(random: Random, maxBytes: number): Buffer {
  return Buffer.from(Array.from({ length: random.int(1, maxBytes) }, () => random.int(0, 255)));
}

function cutShort(random: Random, frame: Buffer): Buffer {
  return frame.subarray(0, random.int(1, frame.length - 1));
}
