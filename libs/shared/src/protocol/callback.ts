import { CALLBACK_MAX_CHARS } from './limits.js';

/** What starts a JSONP answer: with it the answer is no other kind of file, whatever the name says. */
const GUARD = '/**/';
const NAME = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;
const LINE_SEPARATORS = /[\u2028\u2029]/g;

/** The name of a function: identifiers joined by dots. What else may run must not come from a URL. */
export function isCallbackName(name: string): boolean {
  return name.length <= CALLBACK_MAX_CHARS && NAME.test(name);
}

/** A script that calls the function with a JSON value; older browsers end lines in strings. */
export function jsonpText(callback: string, json: string): string {
  const escaped = json.replace(LINE_SEPARATORS, (char) =>
    char === '\u2028' ? '\\u2028' : '\\u2029',
  );
  return `${GUARD}${callback}(${escaped});`;
}
