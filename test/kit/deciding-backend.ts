/** A backend that decides about rights, as `authorizeUrl` asks it, and keeps what it was asked. */

import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Question {
  readonly action: string;
  readonly clientId: string | null;
  readonly channel: string;
  readonly origin: string | null;
  readonly cookie: string | null;
}

export interface Asked {
  readonly question: Question;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came. */
  readonly body: string;
}

/** An object is answered as JSON; a function answers by itself, or never. */
export type Verdict = object | ((response: ServerResponse) => void);
export type Decide = (question: Question) => Verdict;

export class DecidingBackend {
  readonly asked: Asked[] = [];
  /** Calls that have no answer yet. */
  underWay = 0;
  mostUnderWay = 0;
  decide: Decide = () => ({ allow: false });
  readonly #server = createServer((request, response) => {
    let body = '';
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    response.once('close', () => {
      this.underWay -= 1;
    });
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.once('end', () => {
      const question = JSON.parse(body) as Question;
      this.asked.push({ question, url: request.url ?? '', headers: request.headers, body });
      const verdict = this.decide(question);
      if (typeof verdict === 'function') verdict(response);
      else answer(response, 200, JSON.stringify(verdict));
    });
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What it was asked about a channel. */
  about(channel: string): Asked[] {
    return this.asked.filter(({ question }) => question.channel === channel);
  }
}

export function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(text);
}

/** How a backend checks who asks. */
export function isSigned({ headers, body }: Asked, secret: string): boolean {
  const match = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['halley-signature']));
  const [, seconds = '', signature = ''] = match ?? [];
  const isFresh = Math.abs(Date.now() / 1_000 - Number(seconds)) < 300;
  const expected = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return isFresh && signature === expected;
}
