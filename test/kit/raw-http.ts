/** HTTP by hand: exact bytes out, and the answer as it is on the network. */

import { createConnection, type Socket } from 'node:net';
import { DEADLINE_MS, within } from './wait.js';
import { Waiters } from './waiters.js';

export interface RawAnswer {
  readonly statusLine: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Without the frames of chunks; what has come so far where the answer has not ended. */
  readonly body: string;
  /** Each chunk by itself; one element where the answer has a length. */
  readonly chunks: readonly string[];
  readonly isWhole: boolean;
}

/** One TCP connection. */
export class RawHttp {
  readonly socket: Socket;
  /** Resolves when the server has ended or reset the connection. */
  readonly closed: Promise<'ended' | 'reset'>;
  readonly #waiters: Waiters;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#waiters.wake();
    });
    this.closed = new Promise((resolve) => {
      socket.once('end', () => resolve('ended'));
      socket.once('error', () => resolve('reset'));
      socket.once('close', () => resolve('reset'));
    });
    this.#waiters = new Waiters(this.closed);
  }

  static async open(port: number, localAddress?: string): Promise<RawHttp> {
    const socket = createConnection({
      host: '127.0.0.1',
      port,
      noDelay: true,
      ...(localAddress !== undefined && { localAddress }),
    });
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    await within(connected, `a connection to port ${port}`);
    return new RawHttp(socket);
  }

  get received(): string {
    return this.#received.toString('utf8');
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Sends in two segments, the second once the first has left. */
  async sendSplit(text: string | Buffer, at: number): Promise<void> {
    const bytes = Buffer.from(text);
    await new Promise((resolve) => this.socket.write(bytes.subarray(0, at), resolve));
    // Two turns of the loop: the other side has read the first segment by then, or reads both.
    await new Promise((resolve) => setImmediate(resolve));
    this.socket.write(bytes.subarray(at));
  }

  /** The first answer, taken out of what was received, once it is whole. */
  async answer(deadlineMs = DEADLINE_MS): Promise<RawAnswer> {
    const parsed = await this.#until(
      () => parse(this.#received, (found) => found.isWhole),
      'a whole answer',
      deadlineMs,
    );
    this.#received = this.#received.subarray(parsed.bytes);
    return parsed.answer;
  }

  /** The answer so far once its body holds this. */
  async bodyWith(text: string, deadlineMs = DEADLINE_MS): Promise<RawAnswer> {
    const holds = ({ body }: RawAnswer) => body.includes(text);
    const what = `an answer with ${JSON.stringify(text)}`;
    return (await this.#until(() => parse(this.#received, holds), what, deadlineMs)).answer;
  }

  /** Ends the connection as a client does that goes away. */
  close(): void {
    this.socket.destroy();
  }

  /** Ends it by a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  #until<T>(probe: () => T | null, what: string, deadlineMs: number): Promise<T> {
    const has = () => this.received.slice(-2_000);
    return this.#waiters.until(probe, what, has, deadlineMs);
  }
}

/** One request on a connection of its own; resolves with the whole answer. */
export async function rawRequest(port: number, text: string): Promise<RawAnswer> {
  const raw = await RawHttp.open(port);
  raw.send(text);
  try {
    return await raw.answer();
  } finally {
    raw.close();
  }
}

/** `GET` with the one header that HTTP/1.1 asks for. */
export function getText(target: string, headers: readonly string[] = []): string {
  return [`GET ${target} HTTP/1.1`, 'Host: halley', ...headers, '', ''].join('\r\n');
}

interface Parsed {
  readonly answer: RawAnswer;
  readonly bytes: number;
}

/** The first line and the headers of an answer, and where its body begins; null while they are not whole. */
export function headOf(received: Buffer) {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const [statusLine = '', ...lines] = received.toString('latin1', 0, headEnd).split('\r\n');
  const headers: ReadonlyMap<string, string> = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { statusLine, headers, bodyAt: headEnd + 4 };
}

function parse(received: Buffer, isEnough: (answer: RawAnswer) => boolean): Parsed | null {
  const head = headOf(received);
  if (head === null) return null;
  const { statusLine, headers, bodyAt: from } = head;
  const length = headers.get('content-length');
  const { chunks, end } =
    length === undefined ? chunksOf(received, from) : oneOf(received, from, Number(length));
  const answer = { statusLine, headers, chunks, body: chunks.join(''), isWhole: end !== null };
  return isEnough(answer) ? { answer, bytes: end ?? received.length } : null;
}

function oneOf(received: Buffer, from: number, length: number) {
  const end = from + length;
  const chunks = [received.subarray(from, end).toString()];
  return { chunks, end: received.length >= end ? end : null };
}

function chunksOf(received: Buffer, from: number): { chunks: string[]; end: number | null } {
  const chunks: string[] = [];
  let at = from;
  for (;;) {
    const lineEnd = received.indexOf('\r\n', at);
    if (lineEnd === -1) return { chunks, end: null };
    const size = Number.parseInt(received.subarray(at, lineEnd).toString(), 16);
    if (Number.isNaN(size)) return { chunks, end: null };
    const start = lineEnd + 2;
    if (size === 0) return { chunks, end: received.length >= start + 2 ? start + 2 : null };
    if (received.length < start + size) return { chunks, end: null };
    chunks.push(received.subarray(start, start + size).toString());
    at = start + size + 2;
    if (received.length < at) return { chunks, end: null };
  }
}
