import type { Settings } from '../options.js';
import { claimsOf } from '../tokens.js';

/** What every new token of the same identity has anew. */
const FLEETING = /^(exp|iat|nbf|jti)$/;

/** A text that two pages have in common only if they may share: who they are, what they may, and where. */
export function identityOf({ nodes, transports, client }: Settings, token: string | null): string {
  const claims = Object.entries(claimsOf(token ?? ''))
    .filter(([name]) => !FLEETING.test(name))
    .sort();
  // Of a token that cannot be read nobody knows whose it is.
  return JSON.stringify([nodes, transports, client, claims.length > 0 ? claims : token]);
}
