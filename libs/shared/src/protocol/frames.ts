/** Frames of the native wire as discriminated unions. Every native wire carries these very shapes. */

import type { Code, Refusal } from './codes.js';
import type { RawJson } from './json-span.js';
import type { Position } from './position.js';

export const PROTOCOL_VERSION = 1;

/** Chosen by the client to find the answer to its frame; echoed as it came. */
export type Ref = string | number;

export interface SubscribeFrame {
  readonly type: 'subscribe';
  readonly ref: Ref;
  readonly channel: string;
  readonly after?: Position;
  readonly last?: number;
  readonly token?: string;
}

export interface UnsubscribeFrame {
  readonly type: 'unsubscribe';
  readonly ref: Ref;
  readonly channel: string;
}

export interface PublishFrame {
  readonly type: 'publish';
  readonly ref: Ref;
  readonly channel: string;
  readonly data: RawJson;
  readonly event?: string;
  readonly key?: string;
}

export interface HistoryFrame {
  readonly type: 'history';
  readonly ref: Ref;
  readonly channel: string;
  readonly after?: Position;
  readonly before?: Position;
  readonly limit: number;
}

export interface MembersFrame {
  readonly type: 'members';
  readonly ref: Ref;
  readonly channel: string;
  readonly after?: string;
  readonly limit: number;
}

export interface AckFrame {
  readonly type: 'ack';
  readonly id: Position;
}

export interface AuthFrame {
  readonly type: 'auth';
  readonly ref: Ref;
  readonly token: string;
}

export interface PingFrame {
  readonly type: 'ping';
}

export type ClientFrame =
  | SubscribeFrame
  | UnsubscribeFrame
  | PublishFrame
  | HistoryFrame
  | MembersFrame
  | AckFrame
  | AuthFrame
  | PingFrame;

/** What decoding gives in place of a frame that cannot be taken. */
export interface RefusedFrame extends Refusal {
  readonly type: 'refused';
  readonly ref?: Ref;
  readonly channel?: string;
}

/** `recovered` is absent where the client showed no position: there is nothing to prove. */
export interface Recovery {
  readonly position: Position;
  readonly recovered?: boolean;
  readonly replayed?: number;
}

export interface WelcomeFrame {
  readonly type: 'welcome';
  readonly version: typeof PROTOCOL_VERSION;
  readonly connectionId: string;
  readonly clientId?: string;
  readonly edgeId: string;
  readonly pingIntervalMs: number;
  readonly maxPayloadBytes: number;
  readonly expiresAt?: number;
  readonly queue?: Recovery;
}

export interface SubscribedFrame extends Recovery {
  readonly type: 'subscribed';
  readonly ref: Ref;
  readonly channel: string;
  readonly members?: number;
}

export interface Message {
  readonly id: Position;
  readonly data: unknown;
  readonly event?: string;
  readonly clientId?: string;
  readonly connectionId?: string;
  /** Counted from 1 in each channel, in namespaces with `icomet`. */
  readonly number?: number;
}

export interface MessageFrame extends Message {
  readonly type: 'message';
  readonly channel: string;
}

export interface PrivateFrame {
  readonly type: 'private';
  readonly id: Position;
  readonly data: unknown;
  readonly event?: string;
}

export interface JoinFrame {
  readonly type: 'join' | 'leave';
  readonly channel: string;
  readonly clientId: string;
  readonly info?: unknown;
}

export interface UnsubscribedFrame {
  readonly type: 'unsubscribed';
  readonly ref?: Ref;
  readonly channel: string;
  /** Why the server ended it: a code of the table, or the word of the operator who kicked. */
  readonly code?: Code | (string & {});
}

export interface PublishedFrame {
  readonly type: 'published';
  readonly ref: Ref;
  readonly id: Position;
  readonly repeated?: true;
}

export interface HistoryAnswerFrame {
  readonly type: 'history';
  readonly ref: Ref;
  readonly channel: string;
  readonly messages: readonly Message[];
  readonly position: Position;
  readonly more: boolean;
}

export interface Member {
  readonly clientId: string;
  readonly info?: unknown;
}

export interface MembersAnswerFrame {
  readonly type: 'members';
  readonly ref: Ref;
  readonly channel: string;
  readonly count: number;
  readonly members: readonly Member[];
  readonly more: boolean;
}

export interface AuthenticatedFrame {
  readonly type: 'authenticated';
  readonly ref: Ref;
  readonly expiresAt: number;
}

/** Messages were lost or replaced here; the application reloads its state; the stream goes on. */
export interface GapFrame {
  readonly type: 'gap';
  /** Absent where the client's own queue has the gap. */
  readonly channel?: string;
  readonly position: Position;
}

export interface ErrorFrame {
  readonly type: 'error';
  readonly ref?: Ref;
  readonly code: Code;
  readonly message: string;
  readonly channel?: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
}

export interface GoodbyeFrame {
  readonly type: 'goodbye';
  readonly code: number;
  readonly retryAfterMs: number;
  /** As in a close frame: `<code>`, or `<code>: <text>`. */
  readonly reason: string;
  readonly nodes?: readonly string[];
}

export interface PongFrame {
  readonly type: 'pong';
}

export type ServerFrame =
  | WelcomeFrame
  | SubscribedFrame
  | MessageFrame
  | PrivateFrame
  | JoinFrame
  | UnsubscribedFrame
  | PublishedFrame
  | HistoryAnswerFrame
  | MembersAnswerFrame
  | AuthenticatedFrame
  | GapFrame
  | ErrorFrame
  | GoodbyeFrame
  | PongFrame;
