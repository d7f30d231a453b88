import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';

const HASHES: ReadonlyMap<string, string> = new Map([
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
]);

export function isHmacAlgorithm(algorithm: string): boolean {
  return HASHES.has(algorithm);
}

export function hmacKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(secret));
}

/** The signature as base64url text. */
export function signHmac(algorithm: string, key: KeyObject, signed: string): string {
  const hash = HASHES.get(algorithm);
  if (hash === undefined) throw new RangeError('no HMAC algorithm');
  return createHmac(hash, key).update(signed).digest('base64url');
}

/** Compares the texts, so that a signature has one spelling only. */
export function verifyHmac(
  algorithm: string,
  key: KeyObject,
  signed: string,
  signature: string,
): boolean {
  const expected = Buffer.from(signHmac(algorithm, key, signed), 'latin1');
  const given = Buffer.from(signature, 'latin1');
  return expected.length === given.length && timingSafeEqual(expected, given);
}
