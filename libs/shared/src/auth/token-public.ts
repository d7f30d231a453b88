import { type CryptoKey, compactVerify, createRemoteJWKSet, errors, type KeyObject } from 'jose';
import type { PublicAlgorithm, PublicTokenKey, TokenKeys } from './token-keys.js';

const ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'] satisfies PublicAlgorithm[];

const JWKS_TIMEOUT_MS = 5_000;
/** At most one fetch for an unknown key id in this time: anybody can invent key ids. */
const JWKS_COOLDOWN_MS = 30_000;
const JWKS_MAX_AGE_MS = 600_000;

/** What jose says about a token; everything else it says is about the key set. */
const TOKEN_FAULTS = [
  errors.JWSSignatureVerificationFailed,
  errors.JWKSNoMatchingKey,
  errors.JWSInvalid,
  errors.JOSENotSupported,
  errors.JOSEAlgNotAllowed,
];

export type SignatureResult = 'good' | 'bad' | 'no-keys';

/** `no-keys`: the key set could not be had, so nothing is known about the token. Never rejects. */
export type SignatureCheck = (token: string, algorithm: string) => Promise<SignatureResult>;

export function isPublicAlgorithm(algorithm: string): boolean {
  return ALGORITHMS.includes(algorithm);
}

export function createSignatureCheck(source: TokenKeys): SignatureCheck {
  return source.kind === 'jwks' ? checkByKeySet(source.url) : checkByKeys(source.keys);
}

function checkByKeys(keys: readonly PublicTokenKey[]): SignatureCheck {
  return async (token, algorithm) => {
    for (const { key } of keys.filter((candidate) => candidate.algorithm === algorithm)) {
      if (await isSignedBy(key, token, algorithm)) return 'good';
    }
    return 'bad';
  };
}

/** jose picks the key by `kid` and by the key's own type, and takes no secret for a public key. */
function checkByKeySet(url: URL): SignatureCheck {
  const keySet = createRemoteJWKSet(url, {
    timeoutDuration: JWKS_TIMEOUT_MS,
    cooldownDuration: JWKS_COOLDOWN_MS,
    cacheMaxAge: JWKS_MAX_AGE_MS,
  });
  return async (token, algorithm) => {
    try {
      await compactVerify(token, keySet, { algorithms: [algorithm] });
      return 'good';
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) {
        return checkByCandidates(error, token, algorithm);
      }
      return TOKEN_FAULTS.some((fault) => error instanceof fault) ? 'bad' : 'no-keys';
    }
  };
}

/** A token without `kid` may fit several keys of the set. */
async function checkByCandidates(
  candidates: errors.JWKSMultipleMatchingKeys,
  token: string,
  algorithm: string,
): Promise<SignatureResult> {
  for await (const key of candidates) {
    if (await isSignedBy(key, token, algorithm)) return 'good';
  }
  return 'bad';
}

async function isSignedBy(
  key: KeyObject | CryptoKey,
  token: string,
  algorithm: string,
): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}
