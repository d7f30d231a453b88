import type {
  Body,
  HistoryPage,
  HistoryQuery,
  LogView,
  Position,
  PublishOutcome,
  RawJson,
} from '@halley/shared/protocol';

/*
 * What the core needs of Redis. Every call rejects with a RefusedError: `unavailable` when nothing was
 * done, `outcome-unknown` when that cannot be said.
 */

export interface ChannelStore {
  /** Subscribes to the live messages, and only then reads the top: nothing falls in between. */
  open(channel: string, listeners: number): Promise<Position>;
  close(channel: string): void;
  report(channel: string, listeners: number): Promise<void>;
  view(channel: string, after: Position | null): Promise<LogView>;
  history(channel: string, query: HistoryQuery, ageMs: number): Promise<HistoryPage>;
  /** Marks everything up to `top` as not to be recovered from, for `ttlMs`. */
  cut(channel: string, top: Position, ttlMs: number): Promise<void>;
  publish(
    channel: string,
    body: Body,
    history: HistoryOptions,
    key?: string,
  ): Promise<PublishOutcome>;
}

export interface HistoryOptions {
  readonly historySize: number;
  readonly historySeconds: number;
}

export interface QueueStore {
  /** Registers the client with this edge and reads its queue after a position. Idempotent. */
  connect(clientId: string, after: Position | null): Promise<LogView>;
  /** Takes this edge out of the client's presence. Idempotent. */
  disconnect(clientId: string): Promise<{ readonly edges: number; readonly watched: boolean }>;
  /** Tells watchers that the client went offline, if it still is. */
  offline(clientId: string): Promise<void>;
  acked(clientId: string, position: Position): Promise<void>;
}

export interface MemberRecord {
  readonly member: string;
  readonly info: RawJson | null;
}

export interface MemberPage {
  /** Of the whole channel. */
  readonly count: number;
  readonly members: readonly MemberRecord[];
  readonly more: boolean;
}

export interface MemberStore {
  /**
   * Says how many connections of a member this edge has; idempotent. Whether somebody joined or left the
   * channel is decided in Redis and told to it if `announce`.
   * @returns the number of members
   */
  set(change: MemberChange): Promise<number>;
  /** A page of the members, sorted by name, after a name. */
  page(channel: string, after: string | undefined, limit: number): Promise<MemberPage>;
}

export interface MemberChange extends MemberRecord {
  readonly channel: string;
  readonly connections: number;
  /** This edge has other members in the channel, as far as Redis was told. */
  readonly others: boolean;
  readonly announce: boolean;
}
