/** Clients of the native wires over HTTP that keep every frame they receive, in order. */

import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { ServerFrame } from '@halley/shared/protocol';
import type { FrameOf, FrameType } from './native-client.js';
import { DEADLINE_MS, within } from './wait.js';
import { Waiters } from './waiters.js';

export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** The address of a wire beside the WebSocket of an edge, with a query. */
export function httpUrl(wsUrl: string, path: string, query: Query = {}): URL {
  const url = new URL(path, wsUrl.replace(/^ws/, 'http'));
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) url.searchParams.append(name, String(one));
    }
  }
  return url;
}

interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly deadlineMs?: number;
}

/** One request on a connection of its own; resolves with the whole answer. */
export async function ask(url: URL, options: AskOptions = {}): Promise<Got> {
  const { method = 'GET', headers = {}, body, deadlineMs } = options;
  const response = await send(url, method, headers, body, deadlineMs);
  const text = await within(textOf(response), `the whole answer of ${url.href}`, deadlineMs);
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** Begins a request; resolves with its head. */
async function send(
  url: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
  deadlineMs = DEADLINE_MS,
): Promise<IncomingMessage> {
  const agent = new Agent({ keepAlive: false });
  let sent: ClientRequest | undefined;
  const head = new Promise<IncomingMessage>((resolve, reject) => {
    sent = request(url, { method, headers, agent }, resolve);
    sent.once('error', reject);
    sent.end(body);
  });
  try {
    return await within(head, `the head of ${method} ${url.href}`, deadlineMs);
  } catch (error) {
    sent?.destroy();
    throw error;
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += chunk;
  return text;
}

/** A server-sent event as a browser sees it. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** The last id seen up to this event. */
  readonly lastEventId: string;
}

/** Takes an answer apart into frames, as it comes. */
interface Framing {
  /** @returns the texts of the frames that this line completes */
  line(line: string): string[];
}

class SseFraming implements Framing {
  readonly events: ServerEvent[] = [];
  readonly comments: string[] = [];
  retryMs: number | null = null;
  #data: string[] = [];
  #event = '';
  #lastEventId = '';

  line(line: string): string[] {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === '') this.comments.push(value);
    if (field === 'data') this.#data.push(value);
    if (field === 'event') this.#event = value;
    if (field === 'id') this.#lastEventId = value;
    if (field === 'retry') this.retryMs = Number(value);
    return [];
  }

  #dispatch(): string[] {
    const data = this.#data;
    const event = this.#event === '' ? 'message' : this.#event;
    this.#data = [];
    this.#event = '';
    if (data.length === 0) return [];
    const text = data.join('\n');
    this.events.push({ event, data: text, lastEventId: this.#lastEventId });
    return event === 'message' ? [text] : [];
  }
}

class LineFraming implements Framing {
  blankLines = 0;

  line(line: string): string[] {
    if (line === '') this.blankLines += 1;
    return line === '' ? [] : [line];
  }
}

/** An answer without end. */
export class PushClient {
  readonly response: IncomingMessage;
  readonly sse = new SseFraming();
  readonly lines = new LineFraming();
  readonly frames: ServerFrame[] = [];
  /** Resolves when the answer has ended, or was cut. */
  readonly closed: Promise<'ended' | 'cut'>;
  readonly #framing: Framing;
  readonly #waiters: Waiters;
  #rest = '';

  constructor(response: IncomingMessage) {
    this.response = response;
    const isSse = String(response.headers['content-type']).startsWith('text/event-stream');
    this.#framing = isSse ? this.sse : this.lines;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#take(chunk));
    this.closed = new Promise((resolve) => {
      response.once('end', () => resolve('ended'));
      response.once('error', () => resolve('cut'));
      response.once('close', () => resolve('cut'));
    });
    this.#waiters = new Waiters(this.closed);
  }

  of<T extends FrameType>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> & ServerFrame => frame.type === type);
  }

  messages(channel: string): FrameOf<'message'>[] {
    return this.of('message').filter((frame) => frame.channel === channel);
  }

  /** Resolves once `probe` gives something; asked again after whatever arrives. */
  until<T>(probe: () => T | undefined | false, what: string, deadlineMs?: number): Promise<T> {
    return this.#waiters.until(probe, what, () => this.#lastFrames(), deadlineMs);
  }

  next<T extends FrameType>(
    type: T,
    matches: (frame: FrameOf<T>) => boolean = () => true,
    deadlineMs?: number,
  ): Promise<FrameOf<T>> {
    return this.until(() => this.of(type).find(matches), `a frame ${type}`, deadlineMs);
  }

  /** Goes away as a page does that is left. */
  close(): void {
    this.response.destroy();
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split(/\r\n|\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      for (const text of this.#framing.line(line)) this.frames.push(JSON.parse(text));
    }
    this.#waiters.wake();
  }

  #lastFrames(): string {
    return this.frames
      .slice(-5)
      .map((frame) => JSON.stringify(frame))
      .join('\n')
      .slice(0, 4_000);
  }
}

/** An answer that is whole, where one without end was wanted. */
export class PushRefused extends Error {
  override readonly name = 'PushRefused';
  readonly got: Got;

  constructor(got: Got) {
    super(`refused with ${got.status}: ${got.text}`);
    this.got = got;
  }
}

/** Opens `/v1/sse` or `/v1/stream`; resolves with the head, rejects with a `PushRefused`. */
export async function openPush(
  url: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<PushClient> {
  const response = await send(url, 'GET', headers);
  if (response.statusCode === 200) return new PushClient(response);
  const text = await textOf(response);
  throw new PushRefused({ status: response.statusCode ?? 0, headers: response.headers, text });
}

export interface Polled {
  readonly cursor: string;
  readonly frames: readonly ServerFrame[];
}

/** One poll; rejects with a `PushRefused` where it is not answered by 200. */
export async function poll(url: URL, deadlineMs?: number): Promise<Polled> {
  const got = await ask(url, deadlineMs === undefined ? {} : { deadlineMs });
  if (got.status !== 200) throw new PushRefused(got);
  return JSON.parse(got.text) as Polled;
}

/** One poll as a script tag makes it: the answer calls a function. */
export async function pollByScript(url: URL): Promise<Polled> {
  const name = `halley.cb${Math.floor(performance.now() * 1_000)}`;
  url.searchParams.set('callback', name);
  const { status, text } = await ask(url);
  const start = `/**/${name}(`;
  if (status !== 200 || !text.startsWith(start) || !text.endsWith(');')) {
    throw new Error(`no call of ${name}: ${status} ${text}`);
  }
  return JSON.parse(text.slice(start.length, -2)) as Polled;
}
