import type { Edge } from '../../core/edge.js';
import type { QueueClaims } from '../../core/ports/claims.js';
import type { HandshakeOptions } from '../native/handshake.js';

/** What all connections of this door share. */
export interface Site {
  readonly edge: Edge;
  readonly claims: QueueClaims;
  readonly handshake: HandshakeOptions;
  /** How long a client counts as present after its request has ended. */
  readonly pollPresenceMs: number;
  newConnectionId(): string;
}
