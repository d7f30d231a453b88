/** What iComet's admin port says, byte by byte. */

import { inScript, problemHeaders, type Refusal, statusOf } from '@halley/shared/protocol';
import type { PlainAnswer, PlainHeaders } from '../../http/plain.js';
import { statusLine } from '../../http/status.js';

/** The version that callers find in answers; what they do depends on it. */
export const ICOMET_VERSION = '0.2.5';
const SERVER = ['Server', `icomet ${ICOMET_VERSION}`] as const;
const NO_SNIFFING = ['X-Content-Type-Options', 'nosniff'] as const;

export function headersOf(contentType: string): PlainHeaders {
  return [SERVER, ['Content-Type', contentType], NO_SNIFFING];
}

/** A text in which nothing stands that the caller has sent. */
export function textAnswer(body: string, charset = 'utf-8'): PlainAnswer {
  return { status: '200 OK', headers: headersOf(`text/html; charset=${charset}`), body };
}

/** What a script may hold: `type` is that of an answer without a callback. */
export function jsonAnswer(
  json: string,
  callback: string | null = null,
  type: 'application/json' | 'text/javascript' = 'application/json',
): PlainAnswer {
  if (callback === null) {
    const headers = headersOf(`${type}; charset=utf-8`);
    return { status: '200 OK', headers, body: `${json}\n` };
  }
  const headers = headersOf('text/javascript; charset=utf-8');
  return { status: '200 OK', headers, body: `${callback}(${inScript(json)});\n` };
}

export function refusedAnswer(refused: Refusal): PlainAnswer {
  return {
    status: statusLine(statusOf(refused.code)),
    headers: [...headersOf('text/plain; charset=utf-8'), ...problemHeaders(refused)],
    body: `${refused.message}\n`,
  };
}

/** No word but the status. */
export function emptyAnswer(status: string, headers: PlainHeaders = []): PlainAnswer {
  return { status, headers: [SERVER, ...headers], body: '' };
}

export const FORBIDDEN: PlainAnswer = { ...emptyAnswer('403 Forbidden'), closes: true };
export const NOT_IMPLEMENTED: PlainAnswer = { ...emptyAnswer('501 Not Implemented'), closes: true };
