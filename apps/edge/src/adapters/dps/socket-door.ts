import type { Refusal } from '@halley/shared/protocol';
import { execute } from '../../core/commands/index.js';
import type { Identity } from '../../core/ports/authorizer.js';
import type { Connection } from '../../core/ports/connection.js';
import type { SocketDoor, UpgradeRequest } from '../../core/ports/door.js';
import { idleSecondsOf } from '../native/adapter.js';
import { shakeHands, turnedAway } from '../native/handshake.js';
import { decodeSocket, type SocketAsked } from './decode.js';
import { closeOf, type DpsRefusal, reasonOf } from './errors.js';
import { HISTORY_MESSAGES } from './poll.js';
import type { Site } from './site.js';
import { SocketConnection } from './socket-connection.js';

/** Bytes of a message from a client: it is read, and means nothing. */
const IGNORED_MAX_BYTES = 4_096;

interface Admitted {
  readonly identity: Identity;
  readonly asked: SocketAsked;
  readonly protocol: string;
}

interface Refused {
  readonly refused: DpsRefusal;
  readonly protocol: string;
}

export type Admission = Admitted | Refused;

/** The door of DPS's WebSockets. */
export class DpsSocketDoor implements SocketDoor<Admission, SocketConnection | null> {
  readonly path: string;
  readonly messageMaxBytes = IGNORED_MAX_BYTES;
  readonly idleSeconds: number;
  readonly #site: Site;

  constructor(site: Site, path: string) {
    this.#site = site;
    this.path = path;
    this.idleSeconds = idleSecondsOf(site.edge.services.limits.pingIntervalMs);
  }

  closedBecause(): Refusal | null {
    return this.#site.edge.closedBecause();
  }

  admit(request: UpgradeRequest): Admission | Promise<Admission> {
    const { edge, handshake } = this.#site;
    const refused = edge.turnsAway(request.addressKey);
    if (refused !== null) return turnedAway(request, refused);
    const asked = decodeSocket(request.query);
    const admission = shakeHands(request, edge.services.authorizer, handshake);
    const admit = (shaken: Awaited<typeof admission>): Admission => {
      const { protocol } = shaken;
      if ('refused' in shaken) return shaken;
      if ('code' in asked) return { refused: asked, protocol };
      return { identity: shaken.identity, asked, protocol };
    };
    return admission instanceof Promise ? admission.then(admit) : admit(admission);
  }

  protocolOf(admission: Admission): string {
    return admission.protocol;
  }

  open(link: Connection, admission: Admission): SocketConnection | null {
    const { edge } = this.#site;
    if ('refused' in admission) return this.#turnAway(link, admission.refused);
    const { identity, asked } = admission;
    const refused = edge.turnsAwayClient(link.addressKey, identity);
    if (refused !== null) return this.#turnAway(link, refused);
    const connection = new SocketConnection(this.#site, link, asked);
    const connectionId = this.#site.newConnectionId();
    const session = edge.enter({ connectionId, connection, wire: connection, identity });
    connection.session = session;
    for (const [ref, channel] of asked.channels.entries()) {
      execute(edge, session, { type: 'subscribe', ref, channel, last: HISTORY_MESSAGES });
    }
    return connection;
  }

  #turnAway(link: Connection, refused: DpsRefusal): null {
    this.#site.edge.refuseArrival(refused, link.address());
    link.end(closeOf(refused.code), reasonOf(refused));
    return null;
  }

  message(): void {}

  overflowed(connection: SocketConnection | null): void {
    if (connection?.session) this.#site.edge.overflowed(connection.session);
  }

  drained(connection: SocketConnection | null): void {
    if (connection?.session) this.#site.edge.drained(connection.session);
  }

  closed(connection: SocketConnection | null): void {
    if (connection?.session) this.#site.edge.leave(connection.session);
  }
}
