import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
/** The largest multiple of 36 in a byte: bytes from here up would favour the first characters. */
const UNBIASED_BELOW = 252;
/** One call for random bytes costs about 1 us whatever its size, so bytes are drawn in advance. */
const pool = Buffer.allocUnsafe(4_096);
let next = pool.length;

/** `length` characters of `0-9a-z`, uniform and unpredictable. */
export function randomBase36(length: number): string {
  let id = '';
  while (id.length < length) {
    const byte = nextByte();
    if (byte < UNBIASED_BELOW) id += ALPHABET.charAt(byte % 36);
  }
  return id;
}

function nextByte(): number {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const byte = pool.readUInt8(next);
  next += 1;
  return byte;
}
