import type { Deadlines } from '../../core/deadlines.js';
import type { Edge } from '../../core/edge.js';
import type { Followers } from '../../core/followers.js';
import type { HandshakeOptions } from '../native/handshake.js';

/** What all connections of this door share. */
export interface Site {
  readonly edge: Edge;
  readonly followers: Followers;
  readonly deadlines: Deadlines;
  readonly handshake: HandshakeOptions;
  readonly heartbeatMs: number;
  /** How long a polling client counts as present after an answer. */
  readonly pollPresenceMs: number;
  newConnectionId(): string;
}
