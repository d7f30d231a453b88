import { signToken } from '@halley/shared/auth';
import { TOKEN_SECRET } from '../harness/secrets.js';

export function clientName(index: number): string {
  return `user-${index}`;
}

/** Tokens as a backend signs them: one client each, all with a right to `channel`. */
export function signTokens(count: number, channel: string): string[] {
  return Array.from({ length: count }, (_, index) => {
    const request = { clientId: clientName(index), subscribe: [channel] };
    return signToken(TOKEN_SECRET, request).token;
  });
}
