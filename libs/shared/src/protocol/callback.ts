import { CALLBACK_MAX_CHARS } from './limits.js';

/** What starts a JSONP answer: with it the answer is no other kind of file, whatever the name says. */
const GUARD = '/**/';
const NAME = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;
const LINE_SEPARATORS = /[\u2028\u2029]/g;
const SCRIPT_ENDS = /[<\u2028\u2029]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** The name of a function: identifiers joined by dots. What else may run must not come from a URL. */
export function isCallbackName(name: string): boolean {
  return name.length <= CALLBACK_MAX_CHARS && NAME.test(name);
}

/** A script that calls the function with a JSON value; older browsers end lines in strings. */
export function jsonpText(callback: string, json: string): string {
  return `${GUARD}${callback}(${json.replace(LINE_SEPARATORS, escapeChar)});`;
}

/** JSON as it may stand in a script of a page: nothing in it ends the script or a line of it. */
export function inScript(json: string): string {
  return json.replace(SCRIPT_ENDS, escapeChar);
}

function escapeChar(char: string): string {
  return ESCAPES[char] ?? char;
}
