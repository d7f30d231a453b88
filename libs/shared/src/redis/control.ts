/** What an api says to edges over pub/sub, and what they answer. Not stored: an edge that is away misses it. */

import type { Position } from '../protocol/index.js';
import type { CommandClient } from './client.js';

export type ControlMessage =
  /** Ends the connections of a client. `close`: the close code's number. */
  | { readonly type: 'disconnect'; readonly clientId: string; readonly close: number }
  /** Ends the subscription of a client (or of a nameless connection) to a channel. */
  | {
      readonly type: 'kick';
      readonly channel: string;
      readonly member: string;
      /** Told to the client: `kicked`, or the operator's own word. */
      readonly code: string;
    }
  /** Ends all subscriptions to a channel. `code` is told to the clients. */
  | { readonly type: 'close'; readonly channel: string; readonly code: string }
  /** A new member of `halley:revoked` (auth/revocations has its forms) and its expiry, unix seconds. */
  | { readonly type: 'revoked'; readonly member: string; readonly expiresAtSeconds: number }
  /** Asks for the connections of a client: answered by `connections`. */
  | {
      readonly type: 'inspect';
      readonly clientId: string;
      readonly requestId: string;
      readonly replyTo: string;
    }
  /** Asks for the edge's last refusals and cuts: answered by `events`. */
  | { readonly type: 'events'; readonly requestId: string; readonly replyTo: string };

export interface ConnectionReport {
  readonly connectionId: string;
  readonly wire: string;
  /** Unix ms. */
  readonly since: number;
  readonly address: string;
  readonly channels: readonly { readonly channel: string; readonly position: Position }[];
  readonly bytesWaiting: number;
  readonly lastAck: Position | null;
}

export interface EdgeEvent {
  /** Unix ms. */
  readonly at: number;
  readonly kind: 'refused' | 'cut';
  readonly code: string;
  readonly clientId?: string;
  readonly connectionId?: string;
  readonly channel?: string;
  readonly detail: string;
}

export type ControlReply = { readonly requestId: string; readonly edgeId: string } & (
  | { readonly type: 'connections'; readonly connections: readonly ConnectionReport[] }
  | { readonly type: 'events'; readonly events: readonly EdgeEvent[] }
);

const CONTROL_PREFIX = 'control\n';

/** @param channel an edge's channel or the one of all edges; resolves to the number of edges that took it */
export async function sendControl(
  redis: CommandClient,
  channel: string,
  message: ControlMessage,
): Promise<number> {
  return Number(await redis.spublish(channel, CONTROL_PREFIX + JSON.stringify(message)));
}

/** The control message of a payload, or null where it carries something else. */
export function parseControl(payload: Buffer): ControlMessage | null {
  if (!payload.subarray(0, CONTROL_PREFIX.length).equals(CONTROL_BYTES)) return null;
  return JSON.parse(payload.toString('utf8', CONTROL_PREFIX.length)) as ControlMessage;
}

const CONTROL_BYTES = Buffer.from(CONTROL_PREFIX);

export async function sendReply(
  redis: CommandClient,
  replyTo: string,
  reply: ControlReply,
): Promise<void> {
  await redis.spublish(replyTo, JSON.stringify(reply));
}
