/** Inputs for the decoder: valid by construction, with one thing wrong, and broken at random. */

import { objectText, space, valueText } from '../kit/json-text.js';
import type { Random } from '../kit/random.js';

export interface Input {
  readonly text: string;
  /** Known to be valid: the exact bytes of each frame's `data`, null for frames without. */
  readonly data: readonly (string | null)[] | null;
}

type Make = (random: Random) => string;
/** Name and text of the value, in any order; of equal names the last counts. */
type Member = readonly [name: string, value: string];

const CHANNEL_CHARS = 'ABCXYZabcxyz0189_-=@,.;:~';
const NONCE_CHARS = '0123456789abcdefghijklmnopqrstuvwxyz';
/** Texts beyond this are made seldom: they cost as much as dozens of others. */
const LONG_CHARS = 1_000;
const FREE_CHARS = 'ab \u00e9\u4e2d"\\/~*{}';

const quoted = (text: string): string => JSON.stringify(text);

function position(random: Random): string {
  if (random.chance(0.15)) return quoted(random.pick(['0-0', `0-${random.int(1, 2e12)}`]));
  const ms = random.chance(0.1) ? '999999999999999' : String(1.7e12 + random.int(0, 1e9));
  const seq = random.pick(['0', '1', '42', '999999999999999']);
  return `"${ms}-${seq}.${random.text(NONCE_CHARS, 4)}"`;
}

function ref(random: Random): string {
  if (random.chance(0.6)) return String(random.int(0, 1_000));
  if (random.chance(0.2)) return random.pick(['9007199254740991', '0', '1e3', '1.0', '-0']);
  return quoted(random.text(random.chance(0.5) ? CHANNEL_CHARS : FREE_CHARS, edge(random, 1, 64)));
}

function channel(random: Random): string {
  if (random.chance(0.6)) return `"demo:${random.int(0, 99)}"`;
  if (random.chance(0.3)) {
    return random.pick(['"@client:ann"', '"@client:a~20b"', '"@client:~C3~A9"', '"@client"']);
  }
  // Behind a letter, so that it is no presence channel by accident.
  return quoted(`a${random.text(CHANNEL_CHARS, edge(random, 0, 199))}`);
}

function client(random: Random): string {
  return quoted(random.text(FREE_CHARS, edge(random, 1, 50)));
}

const text =
  (most: number): Make =>
  (random) =>
    quoted(random.text(random.chance(0.5) ? CHANNEL_CHARS : FREE_CHARS, edge(random, 1, most)));

const count =
  (from: number, to: number): Make =>
  (random) =>
    String(edge(random, from, to));

/** Mostly something small, now and then the very limits. */
function edge(random: Random, from: number, to: number): number {
  const at = random.next();
  if (at < 0.08) return from;
  if (at < (to > LONG_CHARS ? 0.084 : 0.16)) return to;
  return random.int(from, Math.min(to, from + 30));
}

interface Recipe {
  readonly type: string;
  readonly required: readonly (readonly [string, Make])[];
  readonly optional: readonly (readonly [string, Make])[];
  /** At most one of them. */
  readonly either: readonly (readonly [string, Make])[];
}

function recipe(
  type: string,
  required: Readonly<Record<string, Make>>,
  optional: Readonly<Record<string, Make>> = {},
  either: Readonly<Record<string, Make>> = {},
): Recipe {
  return {
    type,
    required: Object.entries(required),
    optional: Object.entries(optional),
    either: Object.entries(either),
  };
}

const subject = { ref, channel };
const data: Make = (random) => valueText(random, 2);
const limit = count(1, 1_000);
const token = text(8_192);

const RECIPES: readonly Recipe[] = [
  recipe('subscribe', subject, { token }, { after: position, last: count(0, 1_000) }),
  recipe('unsubscribe', subject),
  recipe('publish', { ...subject, data }, { event: text(100), key: text(200) }),
  recipe('history', subject, { limit }, { after: position, before: position }),
  recipe('members', subject, { after: client, limit }),
  recipe('ack', { id: position }),
  recipe('auth', { ref, token }),
  recipe('ping', {}),
];

const BAD_VALUES: readonly string[] = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '-1',
  '0.5',
  '1001',
  '1e400',
  '9007199254740993',
  '"a b"',
  '"a\\u0000b"',
  '"a\\u007fb"',
  '"\\u0085"',
  '"\\ud800"',
  '"caf\u00e9"',
  '"@client:~ff"',
  '"@client:~61"',
  '"@client:"',
  '"0-0.abcd"',
  '"1-1"',
  '"01-1.abcd"',
  '"1-1.ABCD"',
  '"1000000000000000-0.abcd"',
  quoted('x'.repeat(65)),
  quoted('x'.repeat(101)),
  quoted('x'.repeat(201)),
  quoted('\u00e9'.repeat(101)),
];
const TOO_LONG = quoted('x'.repeat(8_193));
const BAD_TYPES = [
  '"welcome"',
  '"toString"',
  '"__proto__"',
  '"Ping"',
  '"ping "',
  '""',
  '1',
  'null',
];
const EXTRA_NAMES = ['x', 'Type', 'type2', 'datA', '__proto__', 'constructor', 'ref ', 'dat'];
const BROKEN_CHARS = '{}[]",:\\0-.eE tfn\u0000\u00e9';

export function makeInput(random: Random): Input {
  const at = random.next();
  if (at < 0.5) return validInput(random);
  if (at < 0.85) return { text: wrongText(random), data: null };
  return { text: brokenText(random), data: null };
}

function validInput(random: Random): Input {
  if (random.chance(0.85)) return validFrame(random);
  const frames = Array.from({ length: random.chance(0.004) ? 128 : random.int(0, 4) }, () =>
    validFrame(random),
  );
  return {
    text: arrayOf(frames.map((frame) => frame.text)),
    data: frames.flatMap((frame) => frame.data ?? []),
  };
}

function validFrame(random: Random): Input {
  const members = validMembers(random);
  const data = members.find(([name]) => name === 'data')?.[1] ?? null;
  const isPublish = members.some(([name, value]) => name === 'type' && value === '"publish"');
  return { text: frameText(members, random), data: [isPublish ? data : null] };
}

function validMembers(random: Random): Member[] {
  const { type, required, optional, either } = random.pick(RECIPES);
  const members: Member[] = [['type', quoted(type)]];
  for (const [name, make] of required) members.push([name, make(random)]);
  for (const [name, make] of optional) {
    if (random.chance(0.3)) members.push([name, make(random)]);
  }
  if (either.length > 0 && random.chance(0.4)) {
    const [name, make] = random.pick(either);
    members.push([name, make(random)]);
  }
  return members;
}

/** The members in any order, among fields that nobody knows and earlier ones of the same name. */
function frameText(members: readonly Member[], random: Random): string {
  const all = [...members];
  if (random.chance(0.3)) all.reverse();
  if (random.chance(0.1)) all.unshift([random.pick(EXTRA_NAMES), valueText(random)]);
  if (random.chance(0.1)) all.unshift([random.pick(members)[0], random.pick(BAD_VALUES)]);
  if (random.chance(0.25)) return space(random) + objectText(all, random) + space(random);
  return `{${all.map(([name, value]) => `"${name}":${value}`).join(',')}}`;
}

/** A valid frame in which one thing (at most a few) is changed; alone or between valid ones. */
function wrongText(random: Random): string {
  const members = validMembers(random);
  const at = random.int(0, members.length - 1);
  const [name] = members[at] ?? ['type', ''];
  const change = random.int(0, 9);
  if (change < 2) members.splice(at, 1);
  else if (change < 3) members[0] = ['type', random.pick(BAD_TYPES)];
  else if (change < 4)
    members.push(['after', position(random)], ['last', '1'], ['before', position(random)]);
  else members[at] = [name, random.chance(0.01) ? TOO_LONG : random.pick(BAD_VALUES)];
  const frame = members.length === 0 ? '{}' : frameText(members, random);
  if (random.chance(0.9)) return frame;
  const neighbours = Array.from({ length: random.chance(0.01) ? 128 : random.int(0, 3) }, () =>
    random.chance(0.8) ? validFrame(random).text : valueText(random),
  );
  return arrayOf([...neighbours, frame]);
}

function brokenText(random: Random): string {
  if (random.chance(0.2)) return valueText(random);
  let source = validInput(random).text;
  for (let edits = random.int(1, 3); edits > 0; edits -= 1) {
    const at = random.int(0, source.length);
    const removed = random.int(0, random.chance(0.1) ? source.length : 1);
    source =
      source.slice(0, at) +
      random.text(BROKEN_CHARS, random.int(0, 2)) +
      source.slice(at + removed);
  }
  return source;
}

function arrayOf(elements: readonly string[]): string {
  return `[${elements.join(',')}]`;
}
