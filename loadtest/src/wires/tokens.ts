import { signToken } from '@halley/shared/auth';
import { TOKEN_SECRET } from '../harness/secrets.js';

/** `user-0`, `user-1`, ... */
export function signTokens(count: number, channel: string): string[] {
  return Array.from({ length: count }, (_, index) => signFor(`user-${index}`, channel));
}

/** A token as a backend signs it, with a right to `channel`. */
export function signFor(clientId: string, channel: string): string {
  return signToken(TOKEN_SECRET, { clientId, subscribe: [channel] }).token;
}
