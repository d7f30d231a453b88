/** What every documented client keeps, whatever its wire: how far it has come, and what it was told. */

import {
  adviceOf,
  comparePositions,
  ORIGIN,
  type Position,
  type Recovery,
  type ServerFrame,
} from '@halley/shared/protocol';
import { type History, queueOf, type Stream } from '../history.js';

/** Time limits of a client, ms. */
export interface Patience {
  readonly welcomeMs: number;
  /** For a sign of life after a ping, or beyond the interval of the edge's own. */
  readonly pongMs: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

export interface SubscriberOptions {
  readonly history: History;
  readonly name: string;
  /** `http://127.0.0.1:<port>`, where the edges are reached. */
  readonly url: string;
  readonly channels: readonly string[];
  readonly clientId?: string | undefined;
  readonly patience: Patience;
}

export interface Subscriber {
  readonly name: string;
  readonly channels: readonly string[];
  readonly clientId?: string | undefined;
  /** Of the edge that holds it now, as far as it knows. */
  readonly edgeId: string | null;
  stop(): Promise<void>;
}

export class Recorder {
  readonly options: SubscriberOptions;
  readonly positions = new Map<Stream, Position>();
  edgeId: string | null = null;
  /** Of the client, for its next wait. */
  failures = 0;
  #connections = 0;

  constructor(options: SubscriberOptions) {
    this.options = options;
  }

  get queue(): Stream | null {
    const { clientId } = this.options;
    return clientId === undefined ? null : queueOf(clientId);
  }

  /** @returns the number of a new connection */
  begin(): number {
    this.#connections += 1;
    return this.#connections;
  }

  /** @param after what was shown at the subscribe that this may answer */
  frame(connection: number, frame: ServerFrame, after: (stream: Stream) => Position | null): void {
    if (frame.type === 'welcome') this.#welcomed(connection, frame, after);
    else if (frame.type === 'subscribed') this.#subscribed(connection, frame.channel, frame, after);
    else if (frame.type === 'message') {
      this.#received(connection, frame.channel, frame.id, frame.data);
    } else if (frame.type === 'private' && this.queue !== null) {
      this.#received(connection, this.queue, frame.id, frame.data);
    } else if (frame.type === 'gap') this.#gap(connection, frame.channel, frame.position);
  }

  ended(connection: number, why: string): void {
    this.edgeId = null;
    this.#add('disconnected', connection, { why });
  }

  refused(connection: number, code: string): void {
    this.#add('refused', connection, { code });
  }

  /** Full jitter, as the SDK's. @returns ms */
  waitMs(close: number): number {
    const { backoffMs, backoffMaxMs } = this.options.patience;
    const limitMs = Math.min(backoffMaxMs, backoffMs * 2 ** this.failures);
    this.failures += 1;
    return adviceOf(close) === 'resume' ? 0 : Math.random() * limitMs;
  }

  #welcomed(
    connection: number,
    frame: Extract<ServerFrame, { type: 'welcome' }>,
    after: (stream: Stream) => Position | null,
  ): void {
    this.failures = 0;
    this.edgeId = frame.edgeId;
    this.#add('connected', connection, { edgeId: frame.edgeId, clientId: frame.clientId });
    if (frame.queue !== undefined && this.queue !== null) {
      this.#subscribed(connection, this.queue, frame.queue, after);
    }
  }

  #subscribed(
    connection: number,
    stream: Stream,
    { position, recovered, replayed = 0 }: Recovery,
    after: (stream: Stream) => Position | null,
  ): void {
    this.#add('subscribed', connection, { stream, after: after(stream), position, recovered });
    if (replayed === 0) this.positions.set(stream, position);
    // The replay may begin before what was seen.
    else if (recovered !== true) this.positions.set(stream, ORIGIN);
  }

  #received(connection: number, stream: Stream, id: Position, data: unknown): void {
    this.#add('received', connection, { stream, id, number: String(data) });
    const before = this.positions.get(stream) ?? ORIGIN;
    // An old connection may still bring what the new one has brought.
    if (comparePositions(id, before) > 0) this.positions.set(stream, id);
  }

  #gap(connection: number, channel: string | undefined, position: Position): void {
    const stream = channel ?? this.queue;
    if (stream === null) return;
    this.#add('gap', connection, { stream, position });
    this.positions.set(stream, position);
  }

  #add(kind: string, connection: number, fields: object): void {
    const { history, name } = this.options;
    history.add({ kind, subscriber: name, connection, ...fields } as Parameters<History['add']>[0]);
  }
}
