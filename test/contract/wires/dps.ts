/** Clients of DPS: sessions that poll, and WebSockets. */

import { randomUUID } from 'node:crypto';
import { CODES } from '@halley/shared/protocol';
import { type Batch, batchOf, DpsPort, type DpsSocket } from '../../kit/dps-client.js';
import type { EdgeProcess } from '../../kit/fleet.js';
import type { RawAnswer, RawHttp } from '../../kit/raw-http.js';
import { within } from '../../kit/wait.js';
import {
  type Delivery,
  type Peer,
  type PeerOptions,
  type RefusalWords,
  type Subscription,
  WireRefusal,
  type WireUnderTest,
} from '../wire-under-test.js';

const OK = 'HTTP/1.1 200 OK';
/** A refused poll is answered; one that waits is not. */
const DECISION_DEADLINE_MS = 300;
/** Longer than a poll waits. */
const POLL_DEADLINE_MS = 60_000;

const REFUSALS: RefusalWords = {
  noRight: 'forbidden',
  badName: 'bad_channel',
  badToken: 'bad_token',
  expiredToken: 'token_expired',
};

function deliveriesOf(messages: readonly unknown[]): Delivery[] {
  return messages.map((data) => ({ id: null, data }));
}

class PollPeer implements Peer {
  readonly goodbye: Promise<void>;
  readonly ended: Promise<string | null>;
  readonly #port: DpsPort;
  readonly #token: string | undefined;
  readonly #sessions = new Map<string, { id: string; seq: number; messages: unknown[] }>();
  readonly #polls = new Set<RawHttp>();
  #tellGone: () => void = () => undefined;

  constructor(edge: EdgeProcess, token: string | undefined) {
    this.#port = new DpsPort(edge.port);
    this.#token = token;
    this.goodbye = new Promise((resolve) => {
      this.#tellGone = resolve;
    });
    this.ended = this.goodbye.then(() => null);
  }

  async subscribe(channel: string, mark?: string): Promise<Subscription> {
    const [id = '', seq = '0'] = (mark ?? `${randomUUID()} 0`).split(' ');
    this.#sessions.set(channel, { id, seq: Number(seq), messages: [] });
    const first = await this.#begin(channel);
    const answer = first.answer(POLL_DEADLINE_MS);
    answer.catch(() => undefined); // The loop below takes it.
    const early = await within(answer, 'a decision', DECISION_DEADLINE_MS).catch(() => null);
    if (early !== null && early.statusLine !== OK) throw new WireRefusal(wordOf(early));
    void this.#goOn(channel, first, answer);
    return { mark: this.markOf(channel) };
  }

  received(channel: string | null): readonly Delivery[] {
    return deliveriesOf(this.#sessions.get(channel ?? '')?.messages ?? []);
  }

  markOf(channel: string): string {
    const session = this.#sessions.get(channel);
    return `${session?.id} ${session?.seq}`;
  }

  pause(): void {}

  resume(): void {}

  async close(): Promise<void> {
    for (const poll of this.#polls) poll.close();
    this.#polls.clear();
  }

  async #begin(channel: string): Promise<RawHttp> {
    const { id: session, seq } = this.#sessions.get(channel) ?? {};
    const poll = await this.#port.begin({ channels: channel, session, seq, token: this.#token });
    this.#polls.add(poll);
    return poll;
  }

  async #goOn(channel: string, first: RawHttp, firstAnswer: Promise<RawAnswer>): Promise<void> {
    let [poll, answer] = [first, firstAnswer];
    try {
      for (;;) {
        this.#take(channel, batchOf(await answer));
        if (!this.#polls.delete(poll)) return;
        poll.close();
        poll = await this.#begin(channel);
        answer = poll.answer(POLL_DEADLINE_MS);
      }
    } catch {
      this.#tellGone(); // Refused, or cut; or this peer has closed.
    }
  }

  #take(channel: string, { seq, messages }: Batch): void {
    const session = this.#sessions.get(channel);
    if (session === undefined) return;
    session.seq = seq;
    session.messages.push(...messages);
  }
}

class SocketPeer implements Peer {
  readonly goodbye: Promise<void>;
  readonly ended: Promise<string | null>;
  readonly #port: DpsPort;
  readonly #token: string | undefined;
  readonly #sockets = new Map<string, DpsSocket>();
  #tellEnd: (code: string | null) => void = () => undefined;

  constructor(edge: EdgeProcess, token: string | undefined) {
    this.#port = new DpsPort(edge.port);
    this.#token = token;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
    this.goodbye = this.ended.then(() => undefined);
  }

  async subscribe(channel: string, mark = '0'): Promise<Subscription> {
    const client = await this.#port.socket({ channels: channel, seq: mark, token: this.#token });
    const refused = within(client.closed, 'a decision', DECISION_DEADLINE_MS);
    const reason = await refused.then(
      ({ reason: told }) => told,
      () => null, // It stays open.
    );
    if (reason !== null) throw new WireRefusal(reason.split(':', 1)[0] ?? '');
    void client.closed.then(({ code }) => this.#tellEnd(codeOf(code)));
    this.#sockets.set(channel, client);
    return { mark };
  }

  received(channel: string | null): readonly Delivery[] {
    return deliveriesOf(this.#sockets.get(channel ?? '')?.messages ?? []);
  }

  markOf(channel: string): string {
    return String(this.#sockets.get(channel)?.batches.at(-1)?.seq ?? 0);
  }

  pause(): void {
    for (const { socket } of this.#sockets.values()) socket.pause();
  }

  resume(): void {
    for (const { socket } of this.#sockets.values()) socket.resume();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sockets.values()].map((client) => client.close()));
  }
}

function wordOf({ body }: RawAnswer): string {
  return (JSON.parse(body) as { error: string }).error;
}

function codeOf(close: number): string | null {
  const entries = Object.entries(CODES) as [string, { readonly close?: number }][];
  return entries.find(([, entry]) => entry.close === close)?.[0] ?? null;
}

function wire(name: string, create: (edge: EdgeProcess, token?: string) => Peer): WireUnderTest {
  return {
    name,
    carries: 'channels',
    tellsRecovery: false,
    confirmsSubscribe: false,
    refusals: REFUSALS,
    open: async (edge: EdgeProcess, { token }: PeerOptions = {}) => create(edge, token),
  };
}

export const dps: readonly WireUnderTest[] = [
  wire('DPS poll', (edge, token) => new PollPeer(edge, token)),
  wire('DPS WebSocket', (edge, token) => new SocketPeer(edge, token)),
];
