/** The native wires over HTTP, as their clients speak them. */

import { CODES, type Code, type ServerFrame } from '@halley/shared/protocol';
import type { EdgeProcess } from '../../kit/fleet.js';
import {
  httpUrl,
  openPush,
  type Polled,
  type PushClient,
  PushRefused,
  poll,
  pollByScript,
  type Query,
} from '../../kit/http-wires.js';
import {
  type Delivery,
  NATIVE_REFUSALS,
  type Peer,
  type PeerOptions,
  type Subscription,
  WireRefusal,
  type WireUnderTest,
} from '../wire-under-test.js';

const GOODBYE_DEADLINE_MS = 60_000;
const POLL_WAIT_SECONDS = 5;

/** Frames of all connections of one client. */
class Inbox {
  readonly frames: ServerFrame[] = [];
  readonly goodbye: Promise<void>;
  sayGoodbye: () => void = () => undefined;

  constructor() {
    this.goodbye = new Promise((resolve) => {
      this.sayGoodbye = resolve;
    });
  }

  add(frames: readonly ServerFrame[]): void {
    this.frames.push(...frames);
    if (frames.some(({ type }) => type === 'goodbye')) this.sayGoodbye();
  }

  received(channel: string | null): readonly Delivery[] {
    return this.frames.flatMap((frame) => {
      const isIt =
        channel === null
          ? frame.type === 'private'
          : frame.type === 'message' && frame.channel === channel;
      return isIt && 'data' in frame ? [{ id: frame.id, data: frame.data }] : [];
    });
  }
}

/** A client that opens one answer without end per channel, and one for its queue. */
class PushPeer implements Peer {
  readonly ended: Promise<string | null>;
  readonly #open: (query: Query) => Promise<PushClient>;
  readonly #clients: PushClient[] = [];
  readonly #starts = new Map<string, string>();
  #tellEnd: (code: string | null) => void = () => undefined;

  constructor(open: (query: Query) => Promise<PushClient>) {
    this.#open = open;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
  }

  get goodbye(): Promise<void> {
    const said = this.#clients.map((client) =>
      client.next('goodbye', undefined, GOODBYE_DEADLINE_MS).then(() => undefined),
    );
    return Promise.any(said);
  }

  async begin(query: Query): Promise<PushClient> {
    const client = await refusedAs(this.#open(query));
    this.#clients.push(client);
    void client.closed.then(() => this.#tellEnd(codeOf(client.of('goodbye').at(-1)?.code)));
    return client;
  }

  async subscribe(channel: string, after?: string): Promise<Subscription> {
    const client = await this.begin({ channel, after });
    const answer = await client.until(
      () => client.frames.find(({ type }) => type === 'subscribed' || type === 'error'),
      'the answer to the subscribe',
    );
    const subscription = subscriptionOf(answer);
    this.#starts.set(channel, subscription.mark);
    return subscription;
  }

  markOf(channel: string): string {
    return this.received(channel).at(-1)?.id ?? this.#starts.get(channel) ?? '';
  }

  received(channel: string | null): readonly Delivery[] {
    const inbox = new Inbox();
    for (const client of this.#clients) inbox.add(client.frames);
    return inbox.received(channel);
  }

  pause(): void {
    for (const { response } of this.#clients) response.pause();
  }

  resume(): void {
    for (const { response } of this.#clients) response.resume();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.#clients.map(({ closed }) => closed));
  }
}

/** A client that polls for each channel, and for its queue. */
class PollPeer implements Peer {
  readonly goodbye: Promise<void>;
  readonly ended = new Promise<string | null>(() => undefined);
  readonly #inbox = new Inbox();
  readonly #poll: (query: Query) => Promise<Polled>;
  readonly #loops: Promise<void>[] = [];
  readonly #starts = new Map<string, string>();
  #isClosed = false;

  constructor(pollOnce: (query: Query) => Promise<Polled>) {
    this.#poll = pollOnce;
    this.goodbye = this.#inbox.goodbye;
  }

  async begin(query: Query): Promise<Polled> {
    const first = await refusedAs(this.#poll(query));
    this.#inbox.add(first.frames);
    this.#loops.push(this.#goOn(query, first.cursor));
    return first;
  }

  async subscribe(channel: string, after?: string): Promise<Subscription> {
    // A poll that shows where it stands is only answered when there is something to tell.
    const wait = after === undefined ? POLL_WAIT_SECONDS : 0;
    const { frames, cursor } = await refusedAs(this.#poll({ channel, after, wait }));
    const answer = frames.find(({ type }) => type === 'subscribed' || type === 'error');
    const subscription =
      answer === undefined
        ? { mark: cursor.split('~')[1] ?? '', recovered: true }
        : subscriptionOf(answer);
    this.#inbox.add(frames);
    this.#loops.push(this.#goOn({ channel }, cursor));
    this.#starts.set(channel, subscription.mark);
    return subscription;
  }

  markOf(channel: string): string {
    return this.received(channel).at(-1)?.id ?? this.#starts.get(channel) ?? '';
  }

  received(channel: string | null): readonly Delivery[] {
    return this.#inbox.received(channel);
  }

  pause(): void {}

  resume(): void {}

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#loops);
  }

  async #goOn(query: Query, from: string): Promise<void> {
    let cursor = from;
    while (!this.#isClosed) {
      const polled = await this.#poll({ ...query, cursor, after: undefined, wait: 1 }).catch(
        () => null,
      );
      this.#inbox.add(polled?.frames ?? []);
      if (polled === null || hasLeft(polled)) {
        // Between two polls nobody can be told: the next one is turned away, or finds nobody there.
        this.#inbox.sayGoodbye();
        return;
      }
      cursor = polled.cursor;
    }
  }
}

function hasLeft({ frames }: Polled): boolean {
  return frames.some(
    (frame) => frame.type === 'goodbye' || (frame.type === 'error' && frame.code === 'draining'),
  );
}

function subscriptionOf(answer: ServerFrame): Subscription {
  if (answer.type === 'error') throw new WireRefusal(answer.code);
  if (answer.type !== 'subscribed') throw new Error(`answered by ${answer.type}`);
  const { position, recovered } = answer;
  return recovered === undefined ? { mark: position } : { mark: position, recovered };
}

async function refusedAs<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof PushRefused)) throw error;
    throw new WireRefusal((JSON.parse(error.got.text) as { code: Code }).code);
  }
}

function codeOf(close: number | undefined): Code | null {
  const entries = Object.entries(CODES) as [Code, { readonly close?: number }][];
  return (
    entries.find(([, entry]) => entry.close !== undefined && entry.close === close)?.[0] ?? null
  );
}

const NATIVE = {
  carries: 'channels',
  tellsRecovery: true,
  refusals: NATIVE_REFUSALS,
} as const;

function pushWire(name: string, path: string): WireUnderTest {
  return {
    name,
    ...NATIVE,
    async open(edge: EdgeProcess, options: PeerOptions = {}): Promise<Peer> {
      const peer = new PushPeer((query) => openPush(httpUrl(edge.wsUrl, path, query)));
      const { token, queueAfter } = options;
      // A nameless client has nothing to wait for until it names a channel.
      if (token !== undefined) {
        const client = await peer.begin({ token, cursor: queueCursor(queueAfter) });
        await client.next('welcome');
      }
      return peer;
    },
  };
}

function pollWire(name: string, pollOnce: (url: URL) => Promise<Polled>): WireUnderTest {
  return {
    name,
    ...NATIVE,
    async open(edge: EdgeProcess, options: PeerOptions = {}): Promise<Peer> {
      const peer = new PollPeer((query) => pollOnce(httpUrl(edge.wsUrl, '/v1/poll', query)));
      const { token, queueAfter } = options;
      if (token !== undefined) await peer.begin({ token, cursor: queueCursor(queueAfter) });
      return peer;
    },
  };
}

/** A cursor of no channels and a queue. */
function queueCursor(position: string | undefined): string | undefined {
  return position === undefined ? undefined : `1~~${position}`;
}

/** By a script tag a refusal is an `error` frame in an answer like any other. */
async function scriptPoll(url: URL): Promise<Polled> {
  const polled = await pollByScript(url);
  const [first] = polled.frames;
  if (polled.cursor === undefined && first?.type === 'error') throw new WireRefusal(first.code);
  return polled;
}

export const nativeHttp: readonly WireUnderTest[] = [
  pushWire('SSE', '/v1/sse'),
  pushWire('HTTP streaming', '/v1/stream'),
  pollWire('long-polling', (url) => poll(url)),
  pollWire('JSONP', scriptPoll),
];
