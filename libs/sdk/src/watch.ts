import type { Message } from './types.js';

export interface Presence {
  readonly online: boolean;
  /** Unix ms of its last disconnect; null while nothing is known of one. */
  readonly lastSeen: number | null;
}

/** The channel of a client's presence: bytes that a channel name may not have stand as `~XX`. */
export function channelOfClient(clientId: string): string {
  const bytes = new TextEncoder().encode(clientId);
  const escaped = Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    if (/[\w\-=@,.;:]/.test(char)) return char;
    return `~${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return `@client:${escaped.join('')}`;
}

export function presenceOf({ event, data }: Message): Presence {
  return { online: event === 'online', ...(data as { readonly lastSeen: number | null }) };
}
