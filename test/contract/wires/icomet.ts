/** The paths of iComet, as its clients use them: by numbers. */

import { Agent, type IncomingMessage, request } from 'node:http';
import type { EdgeProcess } from '../../kit/fleet.js';
import { ask, httpUrl } from '../../kit/http-wires.js';
import { eventually } from '../../kit/wait.js';
import {
  type Delivery,
  type Peer,
  type PeerOptions,
  type RefusalWords,
  type Subscription,
  WireRefusal,
  type WireUnderTest,
} from '../wire-under-test.js';

interface IcometObject {
  readonly type: string;
  readonly cname: string;
  readonly seq: number;
  readonly content: string;
}

const REFUSALS: RefusalWords = {
  noRight: '401',
  badName: 'bad-channel',
  badToken: '401',
  expiredToken: '401',
};

const CALLBACK = 'icomet_cb_0';

/** What one channel has given so far. */
class Line {
  readonly deliveries: Delivery[] = [];
  /** Number to ask for next; null until it is known. */
  next: number | null;

  constructor(mark: string | undefined) {
    this.next = mark === undefined ? null : Number(mark);
  }

  take({ type, seq, content }: IcometObject): void {
    if (type === 'data') this.deliveries.push({ id: null, data: dataIn(content) });
    if (type === 'data' || type === 'broadcast') this.next = seq + 1;
    if (type === 'next_seq') this.next = seq;
    if (type === '401' || type === '429') throw new WireRefusal(type);
  }
}

/** The text of a string, or JSON; the contract sends no string that is JSON. */
function dataIn(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return content;
  }
}

abstract class IcometPeer implements Peer {
  readonly goodbye: Promise<void>;
  readonly ended: Promise<string | null>;
  protected readonly edge: EdgeProcess;
  protected readonly token: string | undefined;
  protected readonly lines = new Map<string, Line>();
  protected isClosed = false;
  protected tellGone: () => void = () => undefined;

  constructor(edge: EdgeProcess, token: string | undefined) {
    this.edge = edge;
    this.token = token;
    this.goodbye = new Promise((resolve) => {
      this.tellGone = resolve;
    });
    this.ended = this.goodbye.then(() => null);
  }

  abstract subscribe(channel: string, mark?: string): Promise<Subscription>;
  abstract pause(): void;
  abstract resume(): void;
  abstract close(): Promise<void>;

  received(channel: string | null): readonly Delivery[] {
    return this.lines.get(channel ?? '')?.deliveries ?? [];
  }

  markOf(channel: string): string {
    return String(this.lines.get(channel)?.next ?? 0);
  }

  protected url(path: string, channel: string, more: Record<string, number | string> = {}): URL {
    const query = { cname: channel, seq: this.markOf(channel), token: this.token, ...more };
    return httpUrl(this.edge.wsUrl, path, query);
  }
}

class PollPeer extends IcometPeer {
  readonly #callback: string | null;
  readonly #loops: Promise<void>[] = [];
  #noop = 0;

  constructor(edge: EdgeProcess, token: string | undefined, callback: string | null) {
    super(edge, token);
    this.#callback = callback;
  }

  async subscribe(channel: string, mark?: string): Promise<Subscription> {
    const line = new Line(mark);
    this.lines.set(channel, line);
    if (mark === undefined) await this.#poll(channel, line);
    this.#loops.push(this.#goOn(channel, line));
    return { mark: this.markOf(channel) };
  }

  pause(): void {}

  resume(): void {}

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.#loops);
  }

  async #goOn(channel: string, line: Line): Promise<void> {
    while (!this.isClosed) {
      const isOn = await this.#poll(channel, line).catch(() => false);
      if (!isOn) return this.tellGone();
    }
  }

  /** @returns false where the edge asks for another connection */
  async #poll(channel: string, line: Line): Promise<boolean> {
    const callback = this.#callback;
    const more = { noop: this.#noop, ...(callback !== null && { cb: callback }) };
    const { status, headers, text } = await ask(this.url('/icomet/poll', channel, more));
    if (status !== 200) throw new WireRefusal((JSON.parse(text) as { code: string }).code);
    const json = callback === null ? text : text.slice(callback.length + 1, -');\n'.length);
    const objects = [JSON.parse(json) as IcometObject | IcometObject[]].flat();
    if (objects[0]?.type === 'noop' && objects[0].seq === this.#noop) this.#noop += 1;
    for (const object of objects) line.take(object);
    return headers.connection !== 'close';
  }
}

class StreamPeer extends IcometPeer {
  readonly #path: string;
  readonly #agent = new Agent({ keepAlive: false });
  readonly #responses: IncomingMessage[] = [];

  constructor(edge: EdgeProcess, token: string | undefined, path: string) {
    super(edge, token);
    this.#path = path;
  }

  /** Resolves, where no number is shown, once the first one was told. */
  async subscribe(channel: string, mark?: string): Promise<Subscription> {
    const line = new Line(mark);
    this.lines.set(channel, line);
    const begun = new Promise<void>((resolve, reject) => {
      const asked = request(this.url(this.#path, channel), { agent: this.#agent }, (response) => {
        this.#responses.push(response);
        this.#read(response, line, reject, resolve);
      });
      asked.once('error', reject);
      asked.end();
    });
    begun.catch(() => undefined);
    if (mark === undefined) await begun;
    return { mark: this.markOf(channel) };
  }

  pause(): void {
    for (const response of this.#responses) response.pause();
  }

  resume(): void {
    for (const response of this.#responses) response.resume();
  }

  async close(): Promise<void> {
    for (const response of this.#responses) response.destroy();
    this.#agent.destroy();
    await eventually(() => this.#responses.every(({ closed }) => closed), 'the streams are closed');
  }

  #read(
    response: IncomingMessage,
    line: Line,
    refuse: (refusal: unknown) => void,
    begin: () => void,
  ): void {
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      try {
        for (const text of lines) takeLine(text, line);
      } catch (refusal) {
        refuse(refusal);
      }
      if (line.next !== null) begin();
    });
    response.once('end', () => {
      if (response.statusCode === 200) return;
      refuse(new WireRefusal((JSON.parse(rest) as { code: string }).code));
    });
    response.once('error', () => undefined); // Told by `close`.
    response.once('close', () => this.tellGone());
  }
}

/** The object of a line of whatever path, if it holds one. */
function takeLine(text: string, line: Line): void {
  const json =
    /^(?:data: |<script nonce="[\w-]+">parent\.icomet_cb\()?(\{.*\})(?:\);<\/script>)?$/.exec(
      text,
    )?.[1];
  if (json !== undefined) line.take(JSON.parse(json) as IcometObject);
}

function wire(name: string, create: (edge: EdgeProcess, token?: string) => Peer): WireUnderTest {
  return {
    name,
    carries: 'channels',
    tellsRecovery: false,
    refusals: REFUSALS,
    // A client that closes waits for the poll under way.
    edgeEnv: async () => ({ HALLEY_ICOMET_POLLING_TIMEOUT_SECONDS: '1' }),
    open: async (edge: EdgeProcess, { token }: PeerOptions = {}) => create(edge, token),
  };
}

export const icomet: readonly WireUnderTest[] = [
  wire('iComet poll', (edge, token) => new PollPeer(edge, token, null)),
  wire('iComet JSONP', (edge, token) => new PollPeer(edge, token, CALLBACK)),
  wire('iComet stream', (edge, token) => new StreamPeer(edge, token, '/icomet/stream')),
  wire('iComet SSE', (edge, token) => new StreamPeer(edge, token, '/icomet/sse')),
  wire('iComet iframe', (edge, token) => new StreamPeer(edge, token, '/icomet/iframe')),
];
