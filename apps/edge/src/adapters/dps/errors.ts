import {
  CODES,
  type Code,
  closeNumber,
  problemHeaders,
  type Refusal,
  refusal,
} from '@halley/shared/protocol';
import type { Headers, HttpReply } from '../../core/ports/http.js';
import { statusLineOf } from '../native-http/errors.js';

/** A refusal, and how DPS calls it where that does not follow from its code. */
export interface DpsRefusal extends Refusal {
  readonly word?: string;
}

const WORDS: Partial<Record<Code, string>> = {
  'bad-json': 'invalid_json',
  'body-too-large': 'too_large',
  'payload-too-large': 'too_large',
  'queue-full': 'overloaded',
};

export function refusalNamed(word: string, code: Code, message: string): DpsRefusal {
  return { ...refusal(code, message), word };
}

export function wordOf({ code, word }: DpsRefusal): string {
  return word ?? WORDS[code] ?? code.replaceAll('-', '_');
}

/** The spaces around the colon are DPS's. */
export function answerRefusal(reply: HttpReply, refused: DpsRefusal, headers: Headers): void {
  reply.answer(
    statusLineOf(refused),
    [['Content-Type', 'application/json'], ...headers, ...problemHeaders(refused)],
    `{"error" : "${wordOf(refused)}"}\n`,
    refused.code === 'draining',
  );
}

/** The number that ends a WebSocket which is refused: its advice is what the client should do. */
export function closeOf(code: Code): number {
  const entry: { readonly close?: number; readonly text: string } = CODES[code];
  if (entry.close !== undefined) return entry.close;
  return closeNumber(code === 'unavailable' ? 'presence-unavailable' : 'protocol-broken');
}

export function reasonOf(refused: DpsRefusal): string {
  return `${wordOf(refused)}: ${refused.message}`;
}
