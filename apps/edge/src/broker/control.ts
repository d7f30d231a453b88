import type { Revocations } from '@halley/shared/auth';
import {
  type CommandClient,
  type ConnectionReport,
  type ControlMessage,
  type EdgeEvent,
  sendReply,
} from '@halley/shared/redis';
import type { Edge } from '../core/edge.js';
import type { Session } from '../core/session.js';
import type { EdgeIdentity } from './edge-identity.js';

/** Where the last refusals and cuts are. */
export interface EventLog {
  readonly events: readonly EdgeEvent[];
}

/** Does what an api asks of this edge. */
export class ControlHandler {
  readonly #redis: CommandClient;
  readonly #edge: Edge;
  readonly #revocations: Revocations;
  readonly #identity: EdgeIdentity;
  readonly #events: EventLog;

  constructor(
    redis: CommandClient,
    edge: Edge,
    revocations: Revocations,
    identity: EdgeIdentity,
    events: EventLog,
  ) {
    this.#redis = redis;
    this.#edge = edge;
    this.#revocations = revocations;
    this.#identity = identity;
    this.#events = events;
  }

  handle(message: ControlMessage): void {
    const edgeId = this.#identity.id;
    switch (message.type) {
      case 'disconnect':
        this.#edge.disconnect(message.clientId, message.close);
        return;
      case 'kick':
        this.#edge.kick(message.channel, message.member, message.code);
        return;
      case 'close':
        this.#edge.close(message.channel, message.code);
        return;
      case 'revoked':
        this.#revocations.add(message.member, message.expiresAtSeconds);
        this.#edge.enforceRevocations();
        return;
      case 'inspect': {
        const { requestId, replyTo, clientId } = message;
        const connections = this.#edge.sessionsOf(clientId).map(reportOf);
        this.#answer(replyTo, { requestId, edgeId, type: 'connections', connections });
        return;
      }
      case 'events': {
        const { requestId, replyTo } = message;
        this.#answer(replyTo, { requestId, edgeId, type: 'events', events: this.#events.events });
      }
    }
  }

  #answer(replyTo: string, reply: Parameters<typeof sendReply>[2]): void {
    // Whoever asked names this edge as silent if the answer is lost.
    sendReply(this.#redis, replyTo, reply).catch(() => undefined);
  }
}

function reportOf(session: Session): ConnectionReport {
  const { connectionId, wire, sinceMs, connection, channels, client } = session;
  return {
    connectionId,
    wire: wire.name,
    since: sinceMs,
    address: connection.address(),
    channels: channels.map(({ name, position }) => ({ channel: name, position })),
    bytesWaiting: connection.bufferedBytes(),
    lastAck: client?.lastAck ?? null,
  };
}
