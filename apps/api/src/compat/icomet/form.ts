/** Parameters as iComet reads them: of the URL, or of a posted form that comes before it. */

import { type Refusal, refusal } from '@halley/shared/protocol';

const NAMES = ['cname', 'content', 'cb', 'expires'] as const;

/** '' where a parameter is absent. */
export type Form = { readonly [Name in (typeof NAMES)[number]]: string };

const ESCAPE = /%([0-9A-Fa-f]{2})/g;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param body of a POST; with nothing in it only the URL counts */
export function readForm(query: string, body: Uint8Array | null): Form | Refusal {
  const raw = rawValues(Buffer.from(query).toString('latin1'));
  if (body !== null && body.length > 0) {
    for (const [name, value] of rawValues(Buffer.from(body).toString('latin1')))
      raw.set(name, value);
  }
  const form = { cname: '', content: '', cb: '', expires: '' };
  for (const name of NAMES) {
    const value = decode(raw.get(name) ?? '');
    if (value === null) return refusal('bad-query', `${name}= is not UTF-8`, name);
    form[name] = value;
  }
  return form;
}

/** Known parameters as they are written, one character per byte; of two the first counts. */
function rawValues(text: string): Map<string, string> {
  const values = new Map<string, string>();
  let end: number;
  for (let from = 0; from <= text.length; from = end + 1) {
    const and = text.indexOf('&', from);
    end = and === -1 ? text.length : and;
    const pair = text.slice(from, end);
    const equals = pair.indexOf('=');
    const name = equals === -1 ? pair : pair.slice(0, equals);
    if (!isName(name) || values.has(name)) continue;
    values.set(name, equals === -1 ? '' : pair.slice(equals + 1));
  }
  return values;
}

function isName(name: string): boolean {
  return (NAMES as readonly string[]).includes(name);
}

/** A `%` that begins no escape stays what it is, as in iComet. Null where it is not UTF-8. */
function decode(raw: string): string | null {
  const bytes = raw
    .replaceAll('+', ' ')
    .replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  try {
    return decoder.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return null;
  }
}
