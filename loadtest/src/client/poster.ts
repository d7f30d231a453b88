/** Keep-alive HTTP connections that POST one message each at a time, without pipelining. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Twenty of these in a body are replaced by the time of the request in nanoseconds. */
const TIME_PLACEHOLDER = '#'.repeat(20);

export interface PosterOptions {
  readonly port: number;
  readonly connections: number;
  readonly bearer: string;
  /** Lines `path <tab> body`, used in turn. */
  readonly posts: readonly string[];
  readonly onAnswer: (tookNs: bigint) => void;
}

interface Link {
  readonly socket: Socket;
  sentNs: bigint;
  answer: string;
}

export class Poster {
  readonly counts = { sent: 0, answered: 0 };
  readonly #options: PosterOptions;
  readonly #requests: readonly string[];
  readonly #idle: Link[] = [];
  #next = 0;

  private constructor(options: PosterOptions) {
    this.#options = options;
    this.#requests = options.posts.map((line) => requestOf(line, options));
  }

  static async open(options: PosterOptions): Promise<Poster> {
    const poster = new Poster(options);
    for (let index = 0; index < options.connections; index += 1) await poster.#connect();
    return poster;
  }

  /** Sends the next message if a connection is free; `timeNs` is written into it. */
  send(timeNs: bigint): boolean {
    const link = this.#idle.pop();
    if (link === undefined) return false;
    const request = this.#requests[this.#next % this.#requests.length] ?? '';
    this.#next += 1;
    this.counts.sent += 1;
    link.sentNs = process.hrtime.bigint();
    link.socket.write(request.replace(TIME_PLACEHOLDER, timeNs.toString().padStart(20, '0')));
    return true;
  }

  async #connect(): Promise<void> {
    const socket = connect({ port: this.#options.port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const link: Link = { socket, sentNs: 0n, answer: '' };
    socket.setEncoding('latin1').on('data', (text: string) => this.#receive(link, text));
    socket.on('close', () => {
      throw new Error('an HTTP connection ended');
    });
    this.#idle.push(link);
  }

  #receive(link: Link, text: string): void {
    link.answer += text;
    const end = link.answer.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = Number(/content-length: *(\d+)/i.exec(link.answer)?.[1]);
    if (link.answer.length < end + 4 + length) return;
    if (!link.answer.startsWith('HTTP/1.1 2')) throw new Error(`a refusal: ${link.answer}`);
    link.answer = '';
    this.counts.answered += 1;
    this.#idle.push(link);
    this.#options.onAnswer(process.hrtime.bigint() - link.sentNs);
  }
}

function requestOf(line: string, options: PosterOptions): string {
  const [path = '', body = ''] = line.split('\t');
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${options.port}\r\n` +
    `Authorization: Bearer ${options.bearer}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
