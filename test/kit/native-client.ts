/** A client of the native wire that keeps every frame it receives, in order, with its text. */

import type { ServerFrame } from '@halley/shared/protocol';
import { type ClientOptions, WebSocket } from 'ws';
import { DEADLINE_MS, DeadlineError, within } from './wait.js';

export type FrameType = ServerFrame['type'];
export type FrameOf<T extends FrameType> = ServerFrame extends infer F
  ? F extends { readonly type: infer U }
    ? T extends U
      ? F
      : never
    : never
  : never;

/** A frame to send: any object, since tests send wrong ones too. */
export type Outgoing = Readonly<Record<string, unknown>>;

export interface OpenOptions {
  /** JWT, as `?token=`. */
  readonly token?: string;
  /** Name of a tokenless client, as `?client=`. */
  readonly client?: string;
  /** Position in the client's queue. */
  readonly queueAfter?: string;
  readonly origin?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly subprotocols?: readonly string[];
  /** Any further query parameters. */
  readonly query?: Readonly<Record<string, string>>;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** The upgrade was answered by a plain HTTP response. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;

  constructor(status: number, body: string, headers: UpgradeRefused['headers']) {
    super(`upgrade refused with ${status}: ${body}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

interface Waiter {
  readonly matches: (frame: ServerFrame) => boolean;
  readonly resolve: (frame: ServerFrame) => void;
}

/** Opens a socket to the edge at `url` (`ws://host:port/v1/ws`); resolves after the upgrade. */
export async function open(url: string, options: OpenOptions = {}): Promise<NativeClient> {
  const socket = new WebSocket(address(url, options), [...(options.subprotocols ?? [])], {
    ...transportOptions(options),
    perMessageDeflate: false,
    handshakeTimeout: DEADLINE_MS,
  });
  const client = new NativeClient(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.once('end', () =>
        reject(new UpgradeRefused(response.statusCode ?? 0, body, response.headers)),
      );
    });
  });
  return client;
}

/** As `open`, but waits for `welcome`; rejects where the edge closes the connection instead. */
export async function connect(url: string, options: OpenOptions = {}): Promise<NativeClient> {
  const client = await open(url, options);
  await client.welcomed();
  return client;
}

export class NativeClient {
  readonly socket: WebSocket;
  /** Every frame received so far, in order. */
  readonly frames: ServerFrame[] = [];
  /** The text of each frame of `frames`, for what JSON.parse would change. */
  readonly texts: string[] = [];
  /** Resolves when the connection ended, whoever ended it. */
  readonly closed: Promise<Closed>;
  readonly #waiters = new Set<Waiter>();
  #lastRef = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on('error', () => undefined); // Told by `open` or by `closed`.
    socket.on('message', (data) => this.#receive(data.toString()));
  }

  welcomed(): Promise<FrameOf<'welcome'>> {
    return this.next('welcome');
  }

  /** Sends one frame, or several as one array. */
  send(frame: Outgoing | readonly Outgoing[]): void {
    this.sendText(JSON.stringify(frame));
  }

  /** Sends any text as one frame: what is not JSON, or JSON that must keep its spelling. */
  sendText(text: string): void {
    this.socket.send(text);
  }

  /** Sends the frame with a `ref` of its own; resolves with the answer, which may be an `error`. */
  async request(frame: Outgoing, deadlineMs?: number): Promise<ServerFrame> {
    this.#lastRef += 1;
    const ref = frame['ref'] ?? `r${this.#lastRef}`;
    const from = this.frames.length;
    this.send({ ...frame, ref });
    const isAnswer = (answer: ServerFrame) => 'ref' in answer && answer.ref === ref;
    return this.waitFor(isAnswer, deadlineMs, from);
  }

  /** As `request`, for an answer of type `type`; rejects with the text of any other. */
  async ask<T extends FrameType>(frame: Outgoing, type: T): Promise<FrameOf<T>> {
    const answer = await this.request(frame);
    if (isOfType(answer, type)) return answer;
    throw new Error(`${JSON.stringify(frame)} was answered by ${JSON.stringify(answer)}`);
  }

  subscribe(channel: string, fields: Outgoing = {}): Promise<FrameOf<'subscribed'>> {
    return this.ask({ type: 'subscribe', channel, ...fields }, 'subscribed');
  }

  unsubscribe(channel: string): Promise<FrameOf<'unsubscribed'>> {
    return this.ask({ type: 'unsubscribe', channel }, 'unsubscribed');
  }

  publish(channel: string, data: unknown, fields: Outgoing = {}): Promise<FrameOf<'published'>> {
    return this.ask({ type: 'publish', channel, data, ...fields }, 'published');
  }

  /** All frames of one type received so far. */
  of<T extends FrameType>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> & ServerFrame => isOfType(frame, type));
  }

  /** The messages of a channel received so far, live and replayed, in order. */
  messages(channel: string): FrameOf<'message'>[] {
    return this.of('message').filter((frame) => frame.channel === channel);
  }

  /** The first frame, received or still to come, of this type and for which `matches` holds. */
  async next<T extends FrameType>(
    type: T,
    matches: (frame: FrameOf<T>) => boolean = () => true,
    deadlineMs?: number,
  ): Promise<FrameOf<T>> {
    const isIt = (frame: ServerFrame): frame is FrameOf<T> & ServerFrame =>
      isOfType(frame, type) && matches(frame);
    const frame = await this.waitFor(isIt, deadlineMs, 0, type);
    if (!isIt(frame)) throw new Error('unreachable: the predicate held');
    return frame;
  }

  /** Resolves with the messages of a channel once there are at least `count`. */
  async waitForMessages(
    channel: string,
    count: number,
    deadlineMs?: number,
  ): Promise<FrameOf<'message'>[]> {
    if (this.messages(channel).length < count) {
      const isEnough = () => this.messages(channel).length >= count;
      const what = () => `${count} messages of ${channel}, has ${this.messages(channel).length}`;
      await this.waitFor(isEnough, deadlineMs, this.frames.length, what);
    }
    return this.messages(channel);
  }

  /**
   * The first frame from index `from` on, received or still to come, for which `matches` holds.
   * Rejects at the deadline and when the connection ends before.
   */
  async waitFor(
    matches: (frame: ServerFrame) => boolean,
    deadlineMs?: number,
    from = 0,
    what: string | (() => string) = 'a frame that matches',
  ): Promise<ServerFrame> {
    const seen = this.frames.slice(from).find(matches);
    if (seen) return seen;
    let waiter: Waiter | undefined;
    const found = new Promise<ServerFrame>((resolve) => {
      waiter = { matches, resolve };
      this.#waiters.add(waiter);
    });
    const describe = () => `${typeof what === 'string' ? what : what()}; ${this.#lastFrames()}`;
    const ended = this.closed.then(({ code, reason }) => {
      throw new DeadlineError(`closed with ${code} ${reason} before: ${describe()}`);
    });
    try {
      return await within(Promise.race([found, ended]), describe, deadlineMs);
    } finally {
      if (waiter) this.#waiters.delete(waiter);
    }
  }

  /** Closes with a handshake, as a page that goes away does. */
  async close(code = 1000): Promise<Closed> {
    this.socket.close(code);
    return within(this.closed, 'the close handshake');
  }

  /** Cuts the connection without a word, as a lost network does. */
  async cut(): Promise<Closed> {
    this.socket.terminate();
    return within(this.closed, 'the socket is gone');
  }

  #receive(text: string): void {
    const frame = JSON.parse(text) as ServerFrame;
    this.frames.push(frame);
    this.texts.push(text);
    for (const waiter of this.#waiters) {
      if (waiter.matches(frame)) waiter.resolve(frame);
    }
  }

  #lastFrames(): string {
    return `last frames:\n${this.texts.slice(-5).join('\n').slice(0, 4_000)}`;
  }
}

function isOfType<T extends FrameType>(
  frame: ServerFrame,
  type: T,
): frame is FrameOf<T> & ServerFrame {
  return frame.type === type;
}

function address(url: string, options: OpenOptions): string {
  const full = new URL(url);
  const named = { token: options.token, client: options.client, queueAfter: options.queueAfter };
  for (const [name, value] of Object.entries({ ...named, ...options.query })) {
    if (value !== undefined) full.searchParams.set(name, value);
  }
  return full.href;
}

function transportOptions(options: OpenOptions): ClientOptions {
  return {
    ...(options.origin === undefined ? {} : { origin: options.origin }),
    ...(options.headers === undefined ? {} : { headers: { ...options.headers } }),
  };
}
