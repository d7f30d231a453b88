/** Public keys that tokens may be signed with: PEM texts, or the address of a JSON Web Key Set. */

import { createPublicKey, type KeyObject } from 'node:crypto';

export type PublicAlgorithm = 'RS256' | 'ES256' | 'EdDSA';

export interface PublicTokenKey {
  readonly algorithm: PublicAlgorithm;
  readonly key: KeyObject;
}

export type TokenKeys =
  | { readonly kind: 'pem'; readonly keys: readonly PublicTokenKey[] }
  | { readonly kind: 'jwks'; readonly url: URL };

/** Each token is tried with every key of its kind, so the number is a bound on work. */
export const PEM_KEYS_MAX = 16;
/** RFC 7518, 3.3. */
const RSA_MIN_BITS = 2_048;

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

/**
 * @param text an http or https address, or PEM public keys one after the other; `\n` may stand for the
 *   end of a line, since many env files know no other
 * @returns the keys, or what is wrong with them
 */
export function parseTokenKeys(text: string): TokenKeys | string {
  if (/^https?:\/\//.test(text)) {
    return URL.canParse(text) ? { kind: 'jwks', url: new URL(text) } : 'is not a valid address';
  }
  const blocks = [...text.replaceAll('\\n', '\n').matchAll(PEM_BLOCK)];
  if (blocks.length === 0) return 'must be a PEM public key or the address of a JWKS';
  if (blocks.length > PEM_KEYS_MAX) return `must hold at most ${PEM_KEYS_MAX} keys`;
  const keys: PublicTokenKey[] = [];
  for (const [index, [block, label = '']] of blocks.entries()) {
    const parsed = parsePem(block, label);
    if (typeof parsed === 'string') return `key ${index + 1} ${parsed}`;
    keys.push(parsed);
  }
  return { kind: 'pem', keys };
}

function parsePem(block: string, label: string): PublicTokenKey | string {
  // Node would derive the public key; but then a secret lies where none is needed.
  if (label.includes('PRIVATE')) return 'is a private key: give its public key';
  let key: KeyObject;
  try {
    key = createPublicKey(block);
  } catch {
    return 'cannot be read as a public key';
  }
  const algorithm = algorithmOf(key);
  return algorithm === null
    ? `must be RSA of ${RSA_MIN_BITS} bits or more, EC P-256 or Ed25519`
    : { algorithm, key };
}

function algorithmOf(key: KeyObject): PublicAlgorithm | null {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') return modulusLength >= RSA_MIN_BITS ? 'RS256' : null;
  if (key.asymmetricKeyType === 'ec') return namedCurve === 'prime256v1' ? 'ES256' : null;
  return key.asymmetricKeyType === 'ed25519' ? 'EdDSA' : null;
}
