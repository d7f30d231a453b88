import type { RawJson, Refusal } from '@halley/shared/protocol';

export type Action = 'subscribe' | 'publish' | 'history' | 'presence';

/** Who a connection speaks for. What stands behind it (a token, a trusted name) is the authorizer's. */
export interface Identity {
  /** Null: nameless; no presence, no queue. */
  readonly clientId: string | null;
  /** Unix ms; Infinity where nothing expires. */
  readonly expiresAtMs: number;
  /** Shown to other members. */
  readonly info: RawJson | null;
}

export interface Authorizer {
  may(action: Action, channel: string, identity: Identity): boolean;
  /** @returns the identity that a token gives, or why it gives none; at once for an HMAC token */
  verify(token: string): Identity | Refusal | Promise<Identity | Refusal>;
  /** Checks a token for one channel. @returns whom it speaks for */
  grant(token: string, channel: string, identity: Identity): Promise<Identity | Refusal>;
  isRevoked(identity: Identity): boolean;
  /** @returns until when this member is banned from the channel, unix ms, or null */
  bannedUntil(channel: string, member: string): number | null;
}
