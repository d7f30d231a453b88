/**
 * The edge's copy of `halley:revoked`, so that a connect asks nobody. Members of that sorted set:
 * `t:<jti>` a token, `c:<client>:<issued before, unix seconds>` all older tokens of a client,
 * `b:<length of channel>:<channel>:<client>` a ban; the score is when it ends, unix seconds.
 */

import type { Claims } from './claims.js';

/** Entries held; about 30 MB. Beyond it new ones are refused, and the caller has to say so. */
export const REVOCATIONS_MAX_ENTRIES = 200_000;

export function tokenMember(jti: string): string {
  return `t:${jti}`;
}

/**
 * Covers the tokens whose `iat` is below the given second. To cover one issued a moment ago round the
 * time up: `iat` counts whole seconds.
 */
export function clientMember(clientId: string, issuedBeforeSeconds: number): string {
  return `c:${clientId}:${issuedBeforeSeconds}`;
}

/** The length keeps a channel with a `:` apart from a client with one. */
export function banMember(channel: string, clientId: string): string {
  return `b:${channel.length}:${channel}:${clientId}`;
}

export type RevocationEntry = readonly [member: string, expiresAtSeconds: number];

/** What of a token a revocation can name. */
export type RevocableToken = {
  readonly [Name in 'jti' | 'issuedAtSeconds']?: Claims[Name] | undefined;
} & Pick<Claims, 'clientId'>;

interface ClientRevocation {
  readonly issuedBeforeSeconds: number;
  readonly expiresAtSeconds: number;
}

const CLIENT_MEMBER = /^c:(.+):(\d{1,15})$/s;
const BAN_MEMBER = /^b:(\d{1,3}):/;
const TOKEN_OR_BAN = /^(?:t:.|b:\d{1,3}:.)/s;

export class Revocations {
  /** Tokens and bans by member: when each ends, unix seconds. */
  #members = new Map<string, number>();
  #clients = new Map<string, ClientRevocation>();
  /** What came by control message since the last reload: that reload may have been read before it. */
  #recent = new Map<string, number>();

  get size(): number {
    return this.#members.size + this.#clients.size;
  }

  /**
   * Replaces the copy by what Redis holds, keeping what came in while it was read.
   * @returns how many entries were refused, malformed or over the bound: log it unless 0
   */
  load(entries: Iterable<RevocationEntry>, nowMs: number = Date.now()): number {
    const recent = this.#recent;
    this.#members = new Map();
    this.#clients = new Map();
    this.#recent = new Map();
    let refused = 0;
    for (const [member, score] of entries) {
      if (score * 1_000 > nowMs && !this.#put(member, score)) refused += 1;
    }
    for (const [member, score] of recent) {
      if (score * 1_000 > nowMs && !this.#put(member, score)) refused += 1;
    }
    return refused;
  }

  /** @returns false for a malformed entry or a full copy */
  add(member: string, expiresAtSeconds: number, nowMs: number = Date.now()): boolean {
    if (this.size + this.#recent.size >= REVOCATIONS_MAX_ENTRIES) this.purge(nowMs);
    if (!this.#put(member, expiresAtSeconds)) return false;
    if (this.#recent.size < REVOCATIONS_MAX_ENTRIES) this.#recent.set(member, expiresAtSeconds);
    return true;
  }

  isRevoked(token: RevocableToken, nowMs: number): boolean {
    if (this.size === 0) return false;
    const nowSeconds = nowMs / 1_000;
    if (token.jti !== undefined) {
      const endsAt = this.#members.get(tokenMember(token.jti));
      if (endsAt !== undefined && endsAt > nowSeconds) return true;
    }
    const client = this.#clients.get(token.clientId);
    if (client === undefined || client.expiresAtSeconds <= nowSeconds) return false;
    // Nobody knows when a token without iat was issued: it counts as older than any revocation.
    return (token.issuedAtSeconds ?? Number.NEGATIVE_INFINITY) < client.issuedBeforeSeconds;
  }

  /** When the client's ban from the channel ends, unix ms; null where there is none. */
  bannedUntil(channel: string, clientId: string, nowMs: number): number | null {
    if (this.#members.size === 0) return null;
    const endsAtSeconds = this.#members.get(banMember(channel, clientId));
    if (endsAtSeconds === undefined || endsAtSeconds * 1_000 <= nowMs) return null;
    return endsAtSeconds * 1_000;
  }

  /** The clients that are banned, by channel. */
  bans(nowMs: number): Map<string, Set<string>> {
    const bans = new Map<string, Set<string>>();
    for (const [member, endsAtSeconds] of this.#members) {
      const head = BAN_MEMBER.exec(member);
      if (head === null || endsAtSeconds * 1_000 <= nowMs) continue;
      const start = head[0].length;
      const end = start + Number(head[1]);
      const clients = bans.get(member.slice(start, end)) ?? new Set();
      bans.set(member.slice(start, end), clients.add(member.slice(end + 1)));
    }
    return bans;
  }

  /** Forgets what has ended. */
  purge(nowMs: number): void {
    const nowSeconds = nowMs / 1_000;
    dropEnded(this.#members, nowSeconds, (endsAt) => endsAt);
    dropEnded(this.#recent, nowSeconds, (endsAt) => endsAt);
    dropEnded(this.#clients, nowSeconds, (entry) => entry.expiresAtSeconds);
  }

  #put(member: string, expiresAtSeconds: number): boolean {
    if (Number.isNaN(expiresAtSeconds)) return false;
    const client = CLIENT_MEMBER.exec(member);
    if (client !== null) {
      const [, clientId = '', before] = client;
      return this.#putClient(clientId, Number(before), expiresAtSeconds);
    }
    if (!TOKEN_OR_BAN.test(member)) return false;
    if (this.#isFull() && !this.#members.has(member)) return false;
    this.#members.set(member, expiresAtSeconds);
    return true;
  }

  /** Two revocations of a client merge into one that covers both, at worst for too long. */
  #putClient(clientId: string, before: number, expiresAtSeconds: number): boolean {
    const known = this.#clients.get(clientId);
    if (known === undefined && this.#isFull()) return false;
    this.#clients.set(clientId, {
      issuedBeforeSeconds: Math.max(before, known?.issuedBeforeSeconds ?? 0),
      expiresAtSeconds: Math.max(expiresAtSeconds, known?.expiresAtSeconds ?? 0),
    });
    return true;
  }

  #isFull(): boolean {
    return this.size >= REVOCATIONS_MAX_ENTRIES;
  }
}

function dropEnded<Value>(
  entries: Map<string, Value>,
  nowSeconds: number,
  endOf: (value: Value) => number,
): void {
  for (const [key, value] of entries) {
    if (endOf(value) <= nowSeconds) entries.delete(key);
  }
}
