import {
  type CloseCode,
  closeNumber,
  type Position,
  PROTOCOL_VERSION,
  type Recovery,
  type Refusal,
  RefusedError,
  refusal,
  type WelcomeFrame,
} from '@halley/shared/protocol';
import { Admission } from './admission.js';
import { Callers } from './callers.js';
import type { Channel } from './channel.js';
import { Channels } from './channels.js';
import { Clients } from './clients.js';
import { Members } from './members.js';
import type { Identity } from './ports/authorizer.js';
import type { Connection } from './ports/connection.js';
import type { Wire } from './ports/wire.js';
import { Rates } from './rate-limit.js';
import type { Services } from './services.js';
import { Session } from './session.js';
import type { Start } from './start.js';

/** What a peer showed when it connected. */
export interface Arrival {
  readonly connectionId: string;
  readonly connection: Connection;
  readonly wire: Wire;
  readonly identity: Identity;
}

/** An edge that takes nobody any more; the next one is asked on a new connection. */
const DRAINING: Refusal = { ...refusal('draining'), retryAfterMs: 1_000 };

/** Why a subscription ends that its client did not end. */
type Ending = 'kicked' | 'token-expired' | 'token-revoked' | 'forbidden' | 'authorizer-unavailable';

/** The sessions of this process and what they hold. */
export class Edge {
  readonly services: Services;
  readonly channels: Channels;
  readonly clients: Clients;
  readonly members: Members;
  readonly sessions = new Set<Session>();
  readonly admission: Admission;
  readonly rates: Rates;
  readonly callers = new Callers();
  /** Leaves: its connections are told to go. */
  isDraining = false;
  /** Takes no further connections. */
  isClosed = false;

  constructor(services: Services) {
    this.services = services;
    this.channels = new Channels(services);
    this.clients = new Clients(services);
    this.members = new Members(services);
    this.admission = new Admission(services.limits.admission);
    this.rates = new Rates(services.limits.rates, services.clock);
  }

  /** Why nobody may come in now, or nobody from there; null: it is worth a look who it is. */
  turnsAway(addressKey: number): Refusal | null {
    return this.isClosed ? DRAINING : this.admission.refusalOfAddress(addressKey);
  }

  /** The same of the whole edge: all that can be said before an upgrade. */
  closedBecause(): Refusal | null {
    const refused = this.isClosed ? DRAINING : this.admission.fullness();
    if (refused !== null) this.refuseArrival(refused);
    return refused;
  }

  /** Why somebody whose name is known may not come in after all, or null. */
  turnsAwayClient(addressKey: number, { clientId }: Identity): Refusal | null {
    const client = clientId === null ? undefined : this.clients.get(clientId);
    return (
      this.admission.refusalOfAddress(addressKey) ??
      this.admission.refusalOfClient(client?.sessions.length ?? 0)
    );
  }

  enter(arrival: Arrival): Session {
    const { connectionId, connection, wire, identity } = arrival;
    const nowMs = this.services.clock.now();
    const session = new Session(connectionId, connection, wire, identity, nowMs);
    this.sessions.add(session);
    this.admission.enter(session.addressKey);
    return session;
  }

  /** Welcomes a session; a named one after its client is registered and its queue was read. */
  async welcome(session: Session, queueAfter: Position | null): Promise<void> {
    const { clientId } = session.identity;
    if (clientId === null) {
      session.send(this.#welcomeFrame(session));
      return;
    }
    session.client = this.clients.add(session, clientId);
    try {
      await session.client.admit(session, queueAfter, (start) => {
        session.send(this.#welcomeFrame(session, start));
        return true;
      });
    } catch (error) {
      // Without its presence nobody could reach the client.
      if (!session.isGone) this.cut(session, 'presence-unavailable', messageOf(error));
    }
  }

  /** @param lingerMs how long it counts as present: it ends only until its client asks again */
  leave(session: Session, lingerMs = 0): void {
    if (session.isGone) return;
    session.isGone = true;
    this.sessions.delete(session);
    this.admission.leave(session.addressKey);
    for (const channel of session.channels) {
      const delayMs = Math.max(channel.options.leaveDelayMs, lingerMs);
      this.release(session, channel, delayMs, lingerMs);
    }
    if (session.client !== null) this.clients.remove(session, session.client, lingerMs);
  }

  /**
   * Lets go of a channel.
   * @param delayMs until the other members are told
   * @param lingerMs until the channel may count as vacated
   */
  release(session: Session, channel: Channel, delayMs: number, lingerMs = 0): void {
    session.drop(channel);
    channel.leave(session);
    if (channel.options.members) this.members.leave(channel, session.member, delayMs);
    this.channels.release(channel, lingerMs);
  }

  /** Ends a subscription that the client did not end itself. */
  expel(session: Session, channel: Channel, reason: Ending, code: string = reason): void {
    this.release(session, channel, 0);
    session.send({ type: 'unsubscribed', channel: channel.name, code });
    this.services.counters.refused(refusal(reason), { ...session.subject, channel: channel.name });
  }

  /** Ends a connection and keeps the reason for whoever asks later. */
  cut(session: Session, code: CloseCode, detail = ''): void {
    this.services.counters.cut(code, session.subject);
    session.end(closeNumber(code), detail === '' ? code : `${code}: ${detail}`);
  }

  /** What had waited for a connection was written: its replays go on. */
  drained(session: Session): void {
    session.client?.resumeReplay(session);
    for (const channel of session.channels) channel.resumeReplay(session);
  }

  /** The socket cut a reader by itself: too much came between two sweeps. */
  overflowed(session: Session): void {
    if (session.isEnding) return;
    session.isEnding = true;
    this.services.counters.cut('slow-reader', session.subject);
  }

  /** Ends the connections of a client. @returns how many */
  disconnect(clientId: string, close: number): number {
    const sessions = this.sessionsOf(clientId);
    for (const session of sessions) {
      this.services.counters.cut('disconnected', session.subject);
      session.end(close, 'disconnected');
    }
    return sessions.length;
  }

  /** Ends the subscriptions of a client, or of a nameless connection, to a channel. */
  kick(channelName: string, member: string, code: string): void {
    for (const session of this.sessions) {
      if (session.member !== member) continue;
      const channel = session.holds(channelName);
      if (channel !== undefined) this.expel(session, channel, 'kicked', code);
    }
  }

  /** Ends all subscriptions to a channel. */
  close(channelName: string, code: string): void {
    for (const session of this.sessions) {
      const channel = session.holds(channelName);
      if (channel !== undefined) this.expel(session, channel, 'kicked', code);
    }
  }

  /** Ends a right by a token for one channel, and the subscription where nothing else allows it. */
  endGrant(session: Session, name: string, reason: 'token-expired' | 'token-revoked'): void {
    session.grants?.delete(name);
    const channel = session.holds(name);
    const isHeldByRight = this.services.authorizer.may('subscribe', name, session.identity);
    if (channel !== undefined && !isHeldByRight) this.expel(session, channel, reason);
  }

  /** Ends the connections, and the rights for single channels, whose token was revoked. */
  enforceRevocations(): void {
    const { authorizer } = this.services;
    for (const session of this.sessions) {
      if (session.isEnding) continue;
      if (authorizer.isRevoked(session.identity)) {
        this.cut(session, 'token-revoked');
        continue;
      }
      for (const [name, grant] of session.grants ?? []) {
        if (authorizer.isRevoked(grant)) this.endGrant(session, name, 'token-revoked');
      }
    }
  }

  /** Ends the subscriptions of banned members, whose kick may have been lost on its way. */
  enforceBans(): void {
    const bans = this.services.authorizer.bans();
    const banned = [...bans].filter(([name]) => this.channels.get(name) !== undefined);
    if (banned.length === 0) return;
    for (const session of this.sessions) {
      for (const [name, members] of banned) {
        const channel = members.has(session.member) ? session.holds(name) : undefined;
        if (channel !== undefined) this.expel(session, channel, 'kicked');
      }
    }
  }

  sessionsOf(clientId: string): Session[] {
    const found = [];
    for (const session of this.sessions) {
      if (session.identity.clientId === clientId) found.push(session);
    }
    return found;
  }

  /** Reports a refusal to the peer's frame, and to whoever watches this edge. */
  refuse(session: Session, refused: Refusal, channel?: string): void {
    this.services.counters.refused(refused, { ...session.subject, channel });
  }

  /** What went wrong, as a refusal: whatever is none is a defect, and counted. */
  refusalOf(error: unknown): Refusal {
    if (error instanceof RefusedError) return error.refusal;
    this.services.counters.failed(error);
    return refusal('internal');
  }

  /** Somebody was turned away at the door. */
  refuseArrival(refused: Refusal, address?: string): void {
    this.services.counters.refused(refused, { connectionId: '', address });
  }

  #welcomeFrame(session: Session, start?: Start): WelcomeFrame {
    const { edgeId, limits } = this.services;
    const { clientId, expiresAtMs } = session.identity;
    return {
      type: 'welcome',
      version: PROTOCOL_VERSION,
      connectionId: session.connectionId,
      ...(clientId !== null && { clientId }),
      edgeId,
      pingIntervalMs: limits.pingIntervalMs,
      maxPayloadBytes: limits.payloadMaxBytes,
      ...(Number.isFinite(expiresAtMs) && { expiresAt: expiresAtMs }),
      ...(start !== undefined && { queue: recoveryOf(start) }),
    };
  }
}

export function recoveryOf({ position, recovered, items }: Start): Recovery {
  return {
    position,
    ...(recovered !== undefined && { recovered }),
    ...(items.length > 0 && { replayed: items.length }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof RefusedError ? error.refusal.message : 'internal';
}
