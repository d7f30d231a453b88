import type { Refusal } from '@halley/shared/protocol';
import type { Connection } from './connection.js';

/** What an upgrade request shows; '' where a header is absent. */
export interface UpgradeRequest {
  readonly query: string;
  readonly origin: string;
  readonly host: string;
  readonly authorization: string;
  readonly cookie: string;
  readonly fetchSite: string;
  readonly protocols: string;
  /** False where a request that is no upgrade is asked the same. */
  readonly isUpgrade: boolean;
  /** As `Connection.addressKey`. */
  readonly addressKey: number;
}

/** A way in for WebSockets: one adapter of a wire. `A`: what it admitted, `S`: its sessions. */
export interface SocketDoor<A, S> {
  readonly path: string;
  /** Bytes of the largest message that is read at all; a larger one ends the connection. */
  readonly messageMaxBytes: number;
  /** Seconds of silence after which the connection is given up. */
  readonly idleSeconds: number;
  /** Why the upgrade is refused by 503, or null. */
  closedBecause(): Refusal | null;
  admit(request: UpgradeRequest): A | Promise<A>;
  /** The subprotocol to answer with, or ''. */
  protocolOf(admission: A): string;
  open(connection: Connection, admission: A): S;
  message(session: S, bytes: ArrayBuffer, isBinary: boolean): void;
  /** More waits than may: this connection is being cut without a close frame. */
  overflowed(session: S): void;
  /** What had waited was written. */
  drained(session: S): void;
  closed(session: S): void;
}
