/** Reads the body of a request: bounded bytes, UTF-8, JSON. */

import { type Refusal, refusal } from '@halley/shared/protocol';

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

export interface ParsedBody {
  readonly text: string;
  readonly value: unknown;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

export function isJsonType(contentType: string): boolean {
  return contentType === 'application/json' || JSON_TYPE.test(contentType);
}

/** Collects the chunks of one body. */
export class BodyReader {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] | null = null;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @param chunk only valid during the call
   * @returns the whole body once it is there; until then null
   */
  take(chunk: ArrayBuffer, isLast: boolean): Uint8Array | Refusal | null {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#maxBytes) return tooLarge(this.#maxBytes);
    // Most bodies come whole and are decoded where they lie.
    if (isLast && this.#chunks === null) return new Uint8Array(chunk);
    this.#chunks ??= [];
    this.#chunks.push(new Uint8Array(chunk.slice(0)));
    return isLast ? Buffer.concat(this.#chunks) : null;
  }
}

export function tooLarge(maxBytes: number): Refusal {
  return refusal('body-too-large', `the body may have at most ${maxBytes} bytes`);
}

export function parseBody(bytes: Uint8Array): ParsedBody | Refusal {
  if (bytes.length === 0) return refusal('bad-json', 'the body is empty; it must be JSON');
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return refusal('bad-json', 'the body is not valid UTF-8');
  }
  try {
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    return refusal('bad-json', `the body is not JSON: ${whereOf(error)}`);
  }
}

/** V8 quotes the text around the fault; a caller's log is no place for the payload. */
function whereOf(error: unknown): string {
  const position = /at position \d+/.exec(error instanceof Error ? error.message : '');
  return position === null ? 'it ends too early or has a wrong character' : `fault ${position[0]}`;
}
