/** The SDK in Node, over any of its transports. */

import { type Gap, Halley, type TransportName } from '@halley/client';
import { ORIGIN, type Position } from '@halley/shared/protocol';
import { WebSocket } from 'ws';
import { type History, queueOf, type Stream } from '../history.js';
import type { Subscriber, SubscriberOptions } from './recorder.js';

/** It hides its connections: what it delivers, it delivers once. */
const APPLICATION = 0;

export class SdkSubscriber implements Subscriber {
  readonly name: string;
  readonly channels: readonly string[];
  readonly clientId: string | undefined;
  readonly #halley: Halley;
  readonly #history: History;
  readonly #positions = new Map<Stream, Position>();

  constructor(options: SubscriberOptions, transports: readonly TransportName[]) {
    const { history, name, channels, clientId, url, patience } = options;
    this.name = name;
    this.channels = channels;
    this.clientId = clientId;
    this.#history = history;
    const { welcomeMs, pongMs, backoffMs, backoffMaxMs } = patience;
    this.#halley = new Halley({
      nodes: [url],
      transports,
      share: false,
      timings: { welcomeMs, pongMs, backoffMs, backoffMaxMs },
      WebSocket,
      ...(clientId === undefined ? {} : { client: clientId }),
    });
    this.#watch();
    for (const channel of channels) this.#subscribe(channel);
  }

  get edgeId(): string | null {
    const { state } = this.#halley;
    return state.name === 'connected' ? state.edgeId : null;
  }

  async stop(): Promise<void> {
    this.#halley.close();
  }

  #watch(): void {
    this.#halley.on('state', (state) => {
      if (state.name === 'connected') {
        this.#add('connected', { edgeId: state.edgeId, clientId: state.clientId });
      } else if (state.name === 'waiting' || state.name === 'closed') {
        this.#add('disconnected', { why: state.code ?? state.name });
      }
    });
    this.#halley.on('error', ({ code }) => this.#add('refused', { code }));
    if (this.clientId === undefined) return;
    const queue = queueOf(this.clientId);
    // It does not say where the queue began: with the run, for a client that is of this run.
    this.#add('subscribed', { stream: queue, after: null, position: ORIGIN });
    this.#halley.on('private', ({ id, data }) => this.#received(queue, id, data));
    this.#halley.on('gap', ({ channel, position }: Gap) => {
      if (channel !== undefined) return;
      // The whole queue may follow, from before the position: it does not say which gap this is.
      const after = this.#positions.get(queue) ?? ORIGIN;
      this.#add('subscribed', { stream: queue, after, position, recovered: false });
    });
  }

  #subscribe(channel: string): void {
    let unproved: Position | null = null;
    const subscription = this.#halley.subscribe(channel, ({ id, data }) => {
      this.#received(channel, id, data);
    });
    subscription.on('ready', ({ position, recovered }) => {
      const after = this.#positions.get(channel) ?? null;
      if (!this.#positions.has(channel)) this.#positions.set(channel, position);
      this.#add('subscribed', { stream: channel, after, position, recovered });
      unproved = recovered === false ? position : null;
    });
    subscription.on('gap', ({ position }) => {
      // Said once more of what was not recovered, before the replay comes.
      if (unproved !== position) this.#add('gap', { stream: channel, position });
      unproved = null;
    });
  }

  #received(stream: Stream, id: Position, data: unknown): void {
    this.#positions.set(stream, id);
    this.#add('received', { stream, id, number: String(data) });
  }

  #add(kind: string, fields: object): void {
    const entry = { kind, subscriber: this.name, connection: APPLICATION, ...fields };
    this.#history.add(entry as Parameters<History['add']>[0]);
  }
}
