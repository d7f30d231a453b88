import type { RawJson, Refusal } from '@halley/shared/protocol';

export type Action = 'subscribe' | 'publish' | 'history' | 'presence';

/** What a browser showed of whoever looks at the page; '' where it showed nothing. */
export interface Visitor {
  readonly origin: string;
  /** Only where no foreign page can have caused the request. */
  readonly cookie: string;
}

/** Who a connection speaks for. What stands behind it (a token, a trusted name) is the authorizer's. */
export interface Identity {
  /** Null: nameless; no presence, no queue. */
  readonly clientId: string | null;
  /** Unix ms; Infinity where nothing expires. */
  readonly expiresAtMs: number;
  /** Shown to other members. */
  readonly info: RawJson | null;
  /** Kept only where a backend is asked about rights. */
  readonly visitor?: Visitor | undefined;
}

/** A right for one channel. */
export interface Grant extends Identity {
  /** Unix ms until which a backend gave it: it is asked again then. Absent where a token gave it. */
  readonly askAgainAtMs?: number;
}

export interface Authorizer {
  may(action: Action, channel: string, identity: Identity): boolean;
  /** @returns the identity that a token gives, or why it gives none; at once for an HMAC token */
  verify(token: string): Identity | Refusal | Promise<Identity | Refusal>;
  /** Checks a token for one channel. @returns whom it speaks for */
  grant(token: string, channel: string, identity: Identity): Promise<Identity | Refusal>;
  /** Whether a backend decides what neither the rule nor a token allows. */
  isAsked(action: Action, channel: string): boolean;
  /** Asks it; never rejects. @returns a right for this channel, or why there is none */
  ask(action: Action, channel: string, identity: Identity): Promise<Grant | Refusal>;
  isRevoked(identity: Identity): boolean;
  /** @returns until when this member is banned from the channel, unix ms, or null */
  bannedUntil(channel: string, member: string): number | null;
  /** The members that are banned, by channel. */
  bans(): ReadonlyMap<string, ReadonlySet<string>>;
}
