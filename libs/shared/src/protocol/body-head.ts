/** What the head of a request says of its body, and what of that is not taken. */

import { type Refusal, refusal } from './codes.js';

/** A head as servers show it: names in lower case, '' where a header is absent. */
export interface RequestHead {
  getHeader(name: string): string;
  forEach(tell: (name: string, value: string) => void): void;
}

const CHUNKED = 'chunked';

/**
 * Bodies are taken as they are, and only where there is one way to read where they end: a proxy that reads
 * it in another one would let a second request pass as a part of the first.
 */
export function bodyRefusal(head: RequestHead): Refusal | null {
  const transfer = head.getHeader('transfer-encoding');
  if (transfer === '' && head.getHeader('content-length') === '') return null;
  const encoding = head.getHeader('content-encoding');
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') {
    return refusal('unsupported-media-type', 'a body must not be compressed');
  }
  if (transfer !== '' && transfer.toLowerCase() !== CHUNKED) {
    return refusal('bad-framing', 'Transfer-Encoding must be "chunked"');
  }
  // Looking at all headers costs as much as the rest together, and without a proxy nobody else reads them.
  return head.getHeader('x-forwarded-for') === '' ? null : repetitionRefusal(head);
}

function repetitionRefusal(head: RequestHead): Refusal | null {
  let lengths = 0;
  let encodings = 0;
  head.forEach((name) => {
    if (name === 'content-length') lengths += 1;
    if (name === 'transfer-encoding') encodings += 1;
  });
  return lengths > 1 || encodings > 1 ? refusal('bad-framing') : null;
}
