/** The bare part of a history read: one command, and the JSON that Halley answers with. */

import type { Redis } from 'ioredis';
import { FIXED_NONCE } from './frame.js';
import { logOf } from './keys.js';

/** @returns the fields of the answer after its head, `"messages":[...],"position":...,"more":...}` */
export async function readPage(redis: Redis, channel: string, limit: number): Promise<string> {
  const entries = await redis.xrevrange(logOf(channel), '+', '-', 'COUNT', limit);
  const items = entries
    .reverse()
    .map(([id, [, body = '']]) => `{"id":"${id}.${FIXED_NONCE}",${body.slice(1)}`);
  const last = entries.at(-1)?.[0] ?? '0-0';
  return `"messages":[${items.join(',')}],"position":"${last}.${FIXED_NONCE}","more":false}`;
}
