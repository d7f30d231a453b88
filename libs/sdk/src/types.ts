/** The public shapes. They stand alone, so that the published types need no other package. */

/** The place of a message in its log; opaque. */
export type Position = string;

export interface Message {
  readonly channel: string;
  readonly id: Position;
  readonly data: unknown;
  readonly event?: string;
  /** Who published it, where a client did or the backend named one. */
  readonly clientId?: string;
  readonly connectionId?: string;
  /** Counted from 1 in each channel, in namespaces with `icomet`. */
  readonly number?: number;
}

export interface PrivateMessage {
  readonly id: Position;
  readonly data: unknown;
  readonly event?: string | undefined;
}

export interface Member {
  readonly clientId: string;
  readonly info?: unknown;
}

/** Messages were lost or replaced before `position`: reload what you show; the stream goes on. */
export interface Gap {
  /** Absent where the client's own queue has the gap. */
  readonly channel?: string;
  readonly position: Position;
}

export interface HistoryPage {
  /** Ascending. */
  readonly messages: readonly Message[];
  readonly position: Position;
  /** There is more in the direction that was asked for. */
  readonly more: boolean;
}

export interface MembersPage {
  /** Members of the whole channel. */
  readonly count: number;
  readonly members: readonly Member[];
  readonly more: boolean;
}

export interface Published {
  readonly id: Position;
  /** The key had been used before: nothing was sent again. */
  readonly repeated?: true | undefined;
}

/** In the order in which they are tried. */
export const TRANSPORTS = ['websocket', 'sse', 'stream', 'poll', 'jsonp'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/**
 * Whether the tabs of this identity share one connection: this one holds it (`leader`), another does
 * (`follower`), it was not wished (`off`), or the page may not use Web Locks (`unavailable`).
 */
export type Sharing = 'off' | 'unavailable' | 'leader' | 'follower';

interface StateCommon {
  readonly sharing: Sharing;
  /** Connections that were lost and replaced since the start. */
  readonly reconnects: number;
  /** Why the last connection ended. */
  readonly code?: string | undefined;
}

export type State =
  /** Nothing was asked for yet. */
  | (StateCommon & { readonly name: 'idle' })
  | (StateCommon & { readonly name: 'connecting'; readonly node: string })
  | (StateCommon & {
      readonly name: 'connected';
      readonly node: string;
      readonly transport: TransportName;
      readonly connectionId: string;
      readonly edgeId: string;
      readonly clientId?: string | undefined;
    })
  /** For the next attempt. */
  | (StateCommon & { readonly name: 'waiting'; readonly retryInMs: number })
  /** The page sleeps in the back-forward cache. */
  | (StateCommon & { readonly name: 'suspended' })
  /** No token could be had that the edge takes. `connect()` tries again. */
  | (StateCommon & { readonly name: 'unauthorized' })
  /** By `close()`, or by a code that says not to come back. `connect()` tries again. */
  | (StateCommon & { readonly name: 'closed' });

export type StateName = State['name'];
