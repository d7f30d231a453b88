import {
  type CloseCode,
  closeNumber,
  FRAME_MAX_BYTES,
  type Refusal,
} from '@halley/shared/protocol';
import { receive } from '../../core/commands/index.js';
import type { Edge } from '../../core/edge.js';
import type { Connection } from '../../core/ports/connection.js';
import type { SocketDoor, UpgradeRequest } from '../../core/ports/door.js';
import type { Session } from '../../core/session.js';
import { decodeMessage } from './decode.js';
import { nativeWire } from './encode.js';
import { type Admission, type HandshakeOptions, shakeHands, turnedAway } from './handshake.js';

/** Room beyond the largest frame, in which a refusal can still be told by an error frame. */
const OVERSIZE_ROOM_BYTES = 65_536;
/** JSON around the largest data of a `publish`. */
const ENVELOPE_BYTES = 4_096;
const SILENCE_GRACE_MS = 10_000;
/** Messages that may arrive before the welcome. */
const EARLY_MAX_MESSAGES = 64;

interface Early {
  readonly bytes: ArrayBuffer;
  readonly isBinary: boolean;
}

/** The door of the native WebSocket wire; who was turned away has no session. */
export class NativeDoor implements SocketDoor<Admission, Session | null> {
  readonly path = '/v1/ws';
  readonly messageMaxBytes: number;
  readonly idleSeconds: number;
  readonly #edge: Edge;
  readonly #options: HandshakeOptions;
  readonly #newConnectionId: () => string;
  readonly #frameMaxBytes: number;
  /** What came before the welcome, of those who wait for theirs. */
  readonly #early = new Map<Session, Early[]>();

  constructor(edge: Edge, options: HandshakeOptions, newConnectionId: () => string) {
    const { payloadMaxBytes, pingIntervalMs } = edge.services.limits;
    this.#edge = edge;
    this.#options = options;
    this.#newConnectionId = newConnectionId;
    this.#frameMaxBytes = Math.max(FRAME_MAX_BYTES, payloadMaxBytes + ENVELOPE_BYTES);
    this.messageMaxBytes = this.#frameMaxBytes + OVERSIZE_ROOM_BYTES;
    this.idleSeconds = idleSecondsOf(pingIntervalMs);
  }

  closedBecause(): Refusal | null {
    return this.#edge.closedBecause();
  }

  admit(request: UpgradeRequest): Admission | Promise<Admission> {
    const refused = this.#edge.turnsAway(request.addressKey);
    if (refused !== null) return turnedAway(request, refused);
    return shakeHands(request, this.#edge.services.authorizer, this.#options);
  }

  protocolOf(admission: Admission): string {
    return admission.protocol;
  }

  open(connection: Connection, admission: Admission): Session | null {
    if ('refused' in admission) return this.#turnAway(connection, admission.refused);
    const { identity, queueAfter } = admission;
    const refused = this.#edge.turnsAwayClient(connection.addressKey, identity);
    if (refused !== null) return this.#turnAway(connection, refused);
    const connectionId = this.#newConnectionId();
    const session = this.#edge.enter({ connectionId, connection, wire: nativeWire, identity });
    this.#early.set(session, []);
    const welcomed = () => this.#welcomed(session);
    this.#edge.welcome(session, queueAfter).then(welcomed, welcomed);
    return session;
  }

  message(session: Session | null, bytes: ArrayBuffer, isBinary: boolean): void {
    if (session === null || session.isEnding) return;
    const early = this.#early.get(session);
    if (early === undefined) {
      this.#carryOut(session, bytes, isBinary);
    } else if (early.length < EARLY_MAX_MESSAGES) {
      // uWS takes its bytes back after this call.
      early.push({ bytes: bytes.slice(0), isBinary });
    } else {
      this.#edge.cut(session, 'protocol-broken', 'too many messages before the welcome');
    }
  }

  overflowed(session: Session | null): void {
    if (session !== null) this.#edge.overflowed(session);
  }

  drained(session: Session | null): void {
    if (session !== null) this.#edge.drained(session);
  }

  closed(session: Session | null): void {
    if (session !== null) this.#edge.leave(session);
  }

  #turnAway(connection: Connection, refused: Refusal): null {
    const { code, message } = refused;
    this.#edge.refuseArrival(refused, connection.address());
    connection.end(closeNumber(code as CloseCode), `${code}: ${message}`);
    return null;
  }

  #welcomed(session: Session): void {
    const early = this.#early.get(session) ?? [];
    this.#early.delete(session);
    for (const { bytes, isBinary } of early) this.#carryOut(session, bytes, isBinary);
  }

  #carryOut(session: Session, bytes: ArrayBuffer, isBinary: boolean): void {
    for (const frame of decodeMessage(bytes, isBinary, this.#frameMaxBytes)) {
      if (session.isGone || session.isEnding) return;
      receive(this.#edge, session, frame);
    }
  }
}

/** Two intervals and a grace of silence; uWS counts in steps of 4 s, from 8 s to 960 s. */
export function idleSecondsOf(pingIntervalMs: number): number {
  const seconds = (2 * pingIntervalMs + SILENCE_GRACE_MS) / 1_000;
  return Math.min(960, Math.max(8, Math.ceil(seconds / 4) * 4));
}
