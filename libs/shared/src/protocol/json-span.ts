/**
 * Cuts the members of a JSON object out of its text, so that `data` travels with the very bytes that
 * were posted (19-digit integers, key order and spacing included) instead of being printed anew.
 * The text must already have passed `JSON.parse`: this scanner only finds where values end.
 */

/** Text of one JSON value, exactly as it was received. */
export type RawJson = string;

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

/**
 * The raw text of the member `name` of the object that starts at `from` (white space before it is
 * skipped); of several members of that name the last, as `JSON.parse` takes it.
 */
export function rawMember(text: string, name: string, from = 0): RawJson | undefined {
  let found: RawJson | undefined;
  let at = skipSpace(text, from) + 1;
  for (;;) {
    at = skipSpace(text, at);
    if (text.charCodeAt(at) === CLOSE_BRACE) return found;
    const keyEnd = skipString(text, at);
    const matches = keyIs(text, at, keyEnd, name);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    if (matches) found = text.slice(start, end);
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at += 1;
  }
}

/** Where each element of the array at `from` starts. */
export function elementStarts(text: string, from = 0): number[] {
  const starts: number[] = [];
  let at = skipSpace(text, skipSpace(text, from) + 1);
  while (text.charCodeAt(at) !== CLOSE_BRACKET) {
    starts.push(at);
    at = skipSpace(text, skipValue(text, at));
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
  return starts;
}

function keyIs(text: string, start: number, end: number, name: string): boolean {
  if (end - start - 2 === name.length) return text.startsWith(name, start + 1);
  // A key may be spelled with escapes: "d\u0061ta" is data. The key alone is searched: up to the end of
  // the text, an object of many short keys would cost the square of its size.
  const key = text.slice(start, end);
  return key.includes('\\') && JSON.parse(key) === name;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const char = text.charCodeAt(at);
    if (char !== 32 && char !== 10 && char !== 13 && char !== 9) return at;
    at += 1;
  }
}

/** Index after the closing quote of the string that opens at `from`. */
function skipString(text: string, from: number): number {
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return skipString(text, from);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipContainer(text, from);
  let at = from;
  while (!endsScalar(text.charCodeAt(at))) at += 1;
  return at;
}

function skipContainer(text: string, from: number): number {
  let depth = 0;
  let at = from;
  for (;;) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = skipString(text, at);
      continue;
    }
    if (char === OPEN_BRACE || char === OPEN_BRACKET) depth += 1;
    if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
}

/** NaN is what `charCodeAt` gives behind the end of the text. */
function endsScalar(char: number): boolean {
  return (
    char === COMMA ||
    char === CLOSE_BRACE ||
    char === CLOSE_BRACKET ||
    char === 32 ||
    (char >= 9 && char <= 13) ||
    Number.isNaN(char)
  );
}
