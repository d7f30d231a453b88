/** A link of the browser SDK in Node, which keeps every frame it is given, in order. */

import { comparePositions, type ServerFrame } from '@halley/shared/protocol';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';
import { ALL } from '../../libs/sdk/dist/transports/index.js';
import type { Env, Link, LinkEnd } from '../../libs/sdk/dist/transports/transport.js';
import type { FrameOf, FrameType, Outgoing } from './native-client.js';
import { within } from './wait.js';
import { Waiters } from './waiters.js';

export interface SdkLinkOptions {
  readonly token?: string;
  readonly client?: string;
  readonly queueAfter?: string;
  readonly welcomeMs?: number;
  readonly env?: Partial<Env>;
}

const ENV = { WebSocket, EventSource, fetch, document: undefined } as unknown as Env;

export class SdkLink {
  readonly frames: ServerFrame[] = [];
  /** Resolves when the link says that it has ended. */
  readonly ended: Promise<LinkEnd>;
  /** Signs of life that are no frames. */
  signs = 0;
  /** Calls of events after `close`. */
  late = 0;
  readonly #link: Link;
  readonly #waiters: Waiters;
  #isClosed = false;
  #lastRef = 0;

  /** @param node origin of an edge */
  constructor(name: string, node: string, options: SdkLinkOptions = {}) {
    const { token = null, client = null, queueAfter = null, welcomeMs = 10_000 } = options;
    const transport = ALL.find((one) => one.name === name);
    if (transport === undefined) throw new Error(`there is no transport ${name}`);
    let tell: (end: LinkEnd) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      tell = resolve;
    });
    this.#waiters = new Waiters(this.ended);
    const counted = () => {
      if (this.#isClosed) this.late += 1;
    };
    this.#link = transport.open(
      { node, token, client, queueAfter, welcomeMs, env: { ...ENV, ...options.env } },
      {
        onFrame: (frame) => {
          counted();
          this.frames.push(frame);
          this.#waiters.wake();
        },
        onAlive: () => {
          counted();
          this.signs += 1;
          this.#waiters.wake();
        },
        onEnd: (end) => {
          counted();
          tell(end);
        },
      },
    );
  }

  send(...frames: readonly Outgoing[]): void {
    this.#link.send(frames as unknown as Parameters<Link['send']>[0]);
  }

  ping(): void {
    this.#link.ping();
  }

  close(): void {
    this.#isClosed = true;
    this.#link.close();
  }

  /** Sends a frame; resolves with its answer, which may be an `error`. */
  async request(frame: Outgoing): Promise<ServerFrame> {
    this.#lastRef += 1;
    const ref = `r${this.#lastRef}`;
    this.send({ ...frame, ref });
    const answer = () => this.frames.find((one) => 'ref' in one && one.ref === ref);
    return this.until(answer, `an answer to ${JSON.stringify(frame)}`);
  }

  subscribe(channel: string, fields: Outgoing = {}): Promise<ServerFrame> {
    return this.request({ type: 'subscribe', channel, ...fields });
  }

  of<T extends FrameType>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> & ServerFrame => frame.type === type);
  }

  next<T extends FrameType>(type: T): Promise<FrameOf<T>> {
    return this.until(() => this.of(type)[0], `a frame "${type}"`);
  }

  /** Data of the messages as the layer above gives them on: without those at or below one seen before. */
  dataOf(channel: string): unknown[] {
    return fresh(this.of('message').filter((frame) => frame.channel === channel));
  }

  /** The same of private messages. */
  privateData(): unknown[] {
    return fresh(this.of('private'));
  }

  until<T>(probe: () => T | undefined | null | false, what: string): Promise<T> {
    const has = () =>
      this.frames
        .slice(-8)
        .map((frame) => JSON.stringify(frame))
        .join('\n');
    return this.#waiters.until(probe, what, has);
  }

  end(): Promise<LinkEnd> {
    return within(this.ended, () => `the link ends; has ${JSON.stringify(this.frames.slice(-5))}`);
  }
}

function fresh(messages: readonly { readonly id: string; readonly data: unknown }[]): unknown[] {
  const data: unknown[] = [];
  let seen = '0-0';
  for (const message of messages) {
    if (comparePositions(message.id, seen) <= 0) continue;
    seen = message.id;
    data.push(message.data);
  }
  return data;
}
