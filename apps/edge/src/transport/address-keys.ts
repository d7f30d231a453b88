import { randomInt } from 'node:crypto';

/*
 * An address as a number of 32 bits, for counting. IPv4 is exact. Of IPv6 a /64 counts as one, since one
 * host has that many; it is hashed by a seed of this process, so that nobody can aim at the number of
 * somebody else.
 */

const SEED = randomInt(2 ** 32);
const MULTIPLIER = 0x9e3779b1;
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0xffff];
const decimal = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** @param bytes 4 or 16, as sockets have them; none of a socket that is gone */
export function keyOfBytes(bytes: Uint8Array): number {
  if (bytes.length === 4) return wordOf(bytes, 0);
  if (bytes.length !== 16) return 0;
  const isMapped = MAPPED_PREFIX.every((group, at) => groupOf(bytes, at) === group);
  if (isMapped) return wordOf(bytes, 12);
  return hash(wordOf(bytes, 0), wordOf(bytes, 4));
}

/** @param address as `plainAddress` spells it; any other text is a number too */
export function keyOfText(address: string): number {
  if (decimal.test(address)) {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    return (a << 24) | (b << 16) | (c << 8) | d;
  }
  const [g0 = 0, g1 = 0, g2 = 0, g3 = 0] = groupsOf(address);
  return hash((g0 << 16) | g1, (g2 << 16) | g3);
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const first = numbersOf(head);
  if (tail === undefined) return first;
  const last = numbersOf(tail);
  const gap = Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array<number>(gap).fill(0), ...last];
}

function numbersOf(groups: string): number[] {
  return groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16) & 0xffff);
}

function groupOf(bytes: Uint8Array, at: number): number {
  return ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0);
}

function wordOf(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

function hash(high: number, low: number): number {
  const once = Math.imul(high ^ SEED, MULTIPLIER);
  return Math.imul((once ^ (once >>> 15)) + low, MULTIPLIER) | 0;
}
