/** Names as parts of paths and queries. */

import { HalleyError, type HalleyErrorCode } from './error.js';

/** @throws HalleyError with `code` where the name cannot stand in a path */
export function segmentOf(name: string, code: HalleyErrorCode): string {
  // URL parsers take dots for steps up, also where they are escaped: another call would be made.
  if (name === '' || name === '.' || name === '..') {
    throw new HalleyError({ code, message: `"${name}" cannot stand in a path` });
  }
  return escaped(name, code);
}

/** `?a=1&b=2` of what is given, or nothing. */
export function queryOf(fields: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${escaped(String(value), 'bad-query')}`],
  );
  return given.length === 0 ? '' : `?${given.join('&')}`;
}

/** Names of clients between commas, in lists that fit into requests. @throws HalleyError */
export function clientListsOf(
  names: readonly string[],
  maxNames: number,
  maxChars: number,
): string[] {
  const lists: string[][] = [];
  let chars = 0;
  for (const name of names) {
    const text = escaped(name, 'bad-client');
    const list = lists.at(-1);
    chars += text.length + 1;
    if (list !== undefined && list.length < maxNames && chars <= maxChars) {
      list.push(text);
    } else {
      lists.push([text]);
      chars = text.length;
    }
  }
  return lists.map((list) => list.join(','));
}

function escaped(text: string, code: HalleyErrorCode): string {
  if (text.isWellFormed()) return encodeURIComponent(text);
  throw new HalleyError({ code, message: 'half a character (a lone surrogate) stands in a name' });
}
