/**
 * What the decoder must make of a text, said a second time: a table of the native wire's client frames
 * interpreted over the parsed value. It shares no code with the decoder.
 */

type Json = Readonly<Record<string, unknown>>;
type Code = string;
/** The code that a value of this kind is refused with, or null. */
type Kind = (value: unknown) => Code | null;

interface Field {
  readonly name: string;
  readonly check: Kind;
  readonly isRequired: boolean;
}

interface Shape {
  readonly fields: readonly Field[];
  readonly defaults: Json;
  /** Two fields that exclude each other; the second is blamed. */
  readonly either: readonly [string, string] | null;
}

export interface Problem {
  readonly code: Code;
  readonly field?: string;
}

/** A frame with its fields (`data` as parsed), or what is wrong with it. */
export type Verdict =
  | { readonly isTaken: true; readonly frame: Json }
  | { readonly isTaken: false; readonly problems: readonly Problem[]; readonly echoed: Json };

const CHANNEL_CHARS = new Set(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=@,.;:~',
);
const NONCE_CHARS = new Set('0123456789abcdefghijklmnopqrstuvwxyz');
const UTF8 = new TextEncoder();

const kind =
  (code: Code, isRight: (value: unknown) => boolean): Kind =>
  (value) =>
    isRight(value) ? null : code;

const anything: Kind = () => null;
const ref = kind('bad-field', (value) => {
  if (typeof value === 'number') return value >= 0 && value <= 2 ** 53 - 1 && value % 1 === 0;
  return typeof value === 'string' && value.length >= 1 && value.length <= 64;
});
const channel = kind('bad-channel', isChannelName);
const position = kind('bad-position', isPositionText);
const client = kind('bad-field', isClientName);
const count = (from: number, to: number) =>
  kind(
    'bad-field',
    (value) => typeof value === 'number' && value >= from && value <= to && value % 1 === 0,
  );
const text = (most: number) =>
  kind('bad-field', (value) => {
    if (typeof value !== 'string' || value.length < 1 || value.length > most) return false;
    return !hasLoneSurrogate(value) && !/[\0-\x1f\x7f]/.test(value);
  });

function shape(
  required: Readonly<Record<string, Kind>>,
  optional: Readonly<Record<string, Kind>> = {},
  { defaults = {}, either = null }: Partial<Pick<Shape, 'defaults' | 'either'>> = {},
): Shape {
  const fieldsOf = (kinds: Readonly<Record<string, Kind>>, isRequired: boolean) =>
    Object.entries(kinds).map(([name, check]) => ({ name, check, isRequired }));
  return { fields: [...fieldsOf(required, true), ...fieldsOf(optional, false)], defaults, either };
}

const SHAPES = new Map<string, Shape>([
  [
    'subscribe',
    shape(
      { ref, channel },
      { after: position, last: count(0, 1_000), token: text(8_192) },
      { either: ['after', 'last'] },
    ),
  ],
  ['unsubscribe', shape({ ref, channel })],
  ['publish', shape({ ref, channel, data: anything }, { event: text(100), key: text(200) })],
  [
    'history',
    shape(
      { ref, channel },
      { after: position, before: position, limit: count(1, 1_000) },
      { defaults: { limit: 100 }, either: ['after', 'before'] },
    ),
  ],
  [
    'members',
    shape(
      { ref, channel },
      { after: client, limit: count(1, 1_000) },
      { defaults: { limit: 1_000 } },
    ),
  ],
  ['ack', shape({ id: position })],
  ['auth', shape({ ref, token: text(8_192) })],
  ['ping', shape({})],
]);

/** One verdict per frame of the text, in order. */
export function judge(source: string): Verdict[] {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    return [wrong({ code: 'bad-json' })];
  }
  if (!Array.isArray(value)) return [judgeFrame(value)];
  return value.length > 128 ? [wrong({ code: 'too-many-frames' })] : value.map(judgeFrame);
}

function judgeFrame(value: unknown): Verdict {
  if (!value || typeof value !== 'object' || Array.isArray(value))
    return wrong({ code: 'bad-frame' });
  // Without a prototype only the frame's own fields can be seen.
  const given = Object.setPrototypeOf(value, null) as Json;
  const type = given['type'];
  if (type === undefined) return wrong({ code: 'missing-field', field: 'type' }, given);
  const expected = typeof type === 'string' ? SHAPES.get(type) : undefined;
  if (expected === undefined) return wrong({ code: 'unknown-type', field: 'type' }, given);

  const problems: Problem[] = [];
  const frame: Record<string, unknown> = { type, ...expected.defaults };
  for (const { name, check, isRequired } of expected.fields) {
    if (name in given) {
      frame[name] = given[name];
      const code = check(given[name]);
      if (code !== null) problems.push({ code, field: name });
    } else if (isRequired) {
      problems.push({ code: 'missing-field', field: name });
    }
  }
  const [one, other] = expected.either ?? [];
  if (one !== undefined && other !== undefined && one in given && other in given) {
    problems.push({ code: 'bad-field', field: other });
  }
  return problems.length === 0
    ? { isTaken: true, frame }
    : { isTaken: false, problems, echoed: echoOf(given) };
}

function wrong(problem: Problem, given: Json = {}): Verdict {
  return { isTaken: false, problems: [problem], echoed: echoOf(given) };
}

/** A refusal repeats `ref` and `channel` where they are usable. */
function echoOf(given: Json): Json {
  const echoed: Record<string, unknown> = {};
  if (ref(given['ref']) === null) echoed['ref'] = given['ref'];
  if (channel(given['channel']) === null) echoed['channel'] = given['channel'];
  return echoed;
}

function isChannelName(value: unknown): boolean {
  if (typeof value !== 'string' || value === '') return false;
  for (const char of value) if (!CHANNEL_CHARS.has(char)) return false;
  const [head, ...rest] = value.split(':');
  if (head === '@client' && rest.length > 0) return isEscapedClient(rest.join(':'));
  return value.length <= 200;
}

/** Escapes only where they are needed, in capitals, and of the UTF-8 of a client name. */
function isEscapedClient(escaped: string): boolean {
  const [plain = '', ...parts] = escaped.split('~');
  let uri = plain;
  for (const part of parts) {
    const hex = part.slice(0, 2);
    const byte = Number(`0x${hex}`);
    if (hex.length !== 2 || hex !== hex.toUpperCase() || Number.isNaN(byte)) return false;
    const char = String.fromCharCode(byte);
    if (char !== '~' && CHANNEL_CHARS.has(char)) return false;
    uri += `%${part}`;
  }
  try {
    return isClientName(decodeURIComponent(uri));
  } catch {
    return false;
  }
}

function isClientName(value: unknown): boolean {
  if (typeof value !== 'string' || value === '' || hasLoneSurrogate(value)) return false;
  for (const char of value) if (char < ' ' || (char >= '\x7f' && char <= '\x9f')) return false;
  return value.length <= 200 && UTF8.encode(value).length <= 200;
}

/** `<ms>-<seq>.<nonce>` or `0-<ms>`; numbers below 10^15, printed as numbers are. */
function isPositionText(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const [id = '', nonce, ...more] = value.split('.');
  const [ms = '', seq = '', ...others] = id.split('-');
  if (more.length > 0 || others.length > 0 || !isPlainNumber(ms) || !isPlainNumber(seq))
    return false;
  if (ms === '0' || nonce === undefined) return ms === '0' && nonce === undefined;
  return nonce.length === 4 && [...nonce].every((char) => NONCE_CHARS.has(char));
}

function isPlainNumber(digits: string): boolean {
  const number = Number(digits);
  return String(number) === digits && number >= 0 && number < 1e15 && Number.isInteger(number);
}

/** By code points, pairs are one character and only what stands alone is left. */
function hasLoneSurrogate(value: string): boolean {
  return /\p{Surrogate}/u.test(value);
}
