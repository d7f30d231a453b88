/** Doubles of what the insides of the SDK stand on: a network that does what the test says. */

import type { GoodbyeFrame, ServerFrame, WelcomeFrame } from '@halley/shared/protocol';
import { vi } from 'vitest';
import { Connection } from '../../libs/sdk/dist/connection.js';
import type { ConnectionState } from '../../libs/sdk/dist/connection-state.js';
import type { HalleyError } from '../../libs/sdk/dist/errors.js';
import type { ClientFrame } from '../../libs/sdk/dist/frames.js';
import type { Line } from '../../libs/sdk/dist/line.js';
import { Routes } from '../../libs/sdk/dist/routes.js';
import type { SeekerOptions } from '../../libs/sdk/dist/seeker.js';
import { TIMINGS, type Timings } from '../../libs/sdk/dist/timings.js';
import { Tokens } from '../../libs/sdk/dist/tokens.js';
import type {
  Env,
  Link,
  LinkEnd,
  LinkEvents,
  LinkOptions,
  Transport,
} from '../../libs/sdk/dist/transports/transport.js';
import type { TransportName } from '../../libs/sdk/dist/types.js';

export const PING_INTERVAL_MS = 25_000;

export function welcomeFrame(fields: Partial<WelcomeFrame> = {}): WelcomeFrame {
  return {
    type: 'welcome',
    version: 1,
    connectionId: 'c1',
    edgeId: 'edge-1',
    pingIntervalMs: PING_INTERVAL_MS,
    maxPayloadBytes: 65_536,
    ...fields,
  };
}

/** A link that the test drives from the other end. Like every link it says nothing once it was closed. */
export class ScriptedLink implements Link {
  readonly transport: TransportName;
  readonly options: LinkOptions;
  /** When it was opened, in ms. */
  readonly atMs = Date.now();
  readonly sent: ClientFrame[] = [];
  pings = 0;
  isWelcome = false;
  isClosed = false;
  readonly #events: LinkEvents;

  constructor(transport: TransportName, options: LinkOptions, events: LinkEvents) {
    this.transport = transport;
    this.options = options;
    this.#events = events;
  }

  get node(): string {
    return this.options.node;
  }

  send(frames: readonly ClientFrame[]): void {
    this.sent.push(...frames);
  }

  ping(): void {
    this.pings += 1;
  }

  close(): void {
    this.isClosed = true;
  }

  welcome(fields?: Partial<WelcomeFrame>): void {
    this.isWelcome = true;
    this.frame(welcomeFrame(fields));
  }

  goodbye(fields: Partial<GoodbyeFrame> = {}): void {
    this.frame({ type: 'goodbye', code: 4201, retryAfterMs: 0, reason: 'draining', ...fields });
  }

  frame(frame: ServerFrame): void {
    if (!this.isClosed) this.#events.onFrame(frame);
  }

  alive(): void {
    if (!this.isClosed) this.#events.onAlive();
  }

  end(end: LinkEnd): void {
    if (!this.isClosed) this.#events.onEnd(end);
  }
}

/** Opens scripted links, and keeps them. */
export class ScriptedNetwork {
  readonly links: ScriptedLink[] = [];

  transport(name: TransportName): Transport {
    return {
      name,
      isPossible: () => true,
      open: (options, events) => {
        const link = new ScriptedLink(name, options, events);
        this.links.push(link);
        return link;
      },
    };
  }

  /** The one that was opened last. */
  get last(): ScriptedLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error('no link was opened');
    return link;
  }

  /** Those that nobody has closed. */
  get open(): ScriptedLink[] {
    return this.links.filter(({ isClosed }) => !isClosed);
  }
}

export interface SeekerFields {
  readonly nodes?: readonly string[];
  readonly transports?: readonly TransportName[];
  readonly token?: string;
  readonly getToken?: () => string | Promise<string>;
  readonly client?: string;
  readonly timings?: Partial<Timings>;
}

/**
 * What a connection is made of, over a scripted network.
 * @param onFault is told what of a token
 */
export function seekerOptions(
  network: ScriptedNetwork,
  fields: SeekerFields = {},
  onFault: (error: HalleyError) => void = () => undefined,
): SeekerOptions {
  const { nodes = ['http://a'], transports = ['websocket'], token, getToken, client } = fields;
  const timings = { ...TIMINGS, ...fields.timings };
  return {
    routes: new Routes(nodes, transports, timings),
    tokens: new Tokens(token, getToken, timings, onFault),
    client: client ?? null,
    transports: transports.map((name) => network.transport(name)),
    env: {} as Env,
    timings,
  };
}

/** A connection over a scripted network, with all that it has told. Needs a fake clock. */
export class ConnectionUnderTest {
  readonly network = new ScriptedNetwork();
  readonly states: ConnectionState[] = [{ name: 'idle' }];
  readonly frames: ServerFrame[] = [];
  /** Codes of what went wrong with tokens. */
  readonly faults: string[] = [];
  /** `up` and `down`, in order. */
  readonly turns: string[] = [];
  readonly connection: Connection;
  queueAfter: string | null = null;

  constructor(fields: SeekerFields = {}) {
    const onFault = ({ code }: HalleyError) => this.faults.push(code);
    this.connection = new Connection(seekerOptions(this.network, fields, onFault), {
      onUp: () => this.turns.push('up'),
      onDown: () => this.turns.push('down'),
      onFrame: (frame) => this.frames.push(frame),
      onState: (state) => this.states.push(state),
      queueAfter: () => this.queueAfter,
    });
  }

  get link(): ScriptedLink {
    return this.network.last;
  }

  /** How many links were opened so far. */
  get attempts(): number {
    return this.network.links.length;
  }

  get name(): ConnectionState['name'] {
    return this.connection.state.name;
  }

  /** `from>to` of each change. */
  get moves(): string[] {
    return this.states.slice(1).map(({ name }, index) => `${this.states[index]?.name}>${name}`);
  }

  async start(): Promise<this> {
    this.connection.start();
    await settle();
    return this;
  }

  /** Starts, and is welcome at the first link. */
  async connect(fields?: Partial<WelcomeFrame>): Promise<this> {
    await this.start();
    this.link.welcome(fields);
    return this;
  }

  /** The link of now ends. */
  async end(end: LinkEnd): Promise<void> {
    this.link.end(end);
    await settle();
  }
}

/** Runs what is due now, and what waits for nothing but its turn. */
export async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

/** A way to the edge that only writes down what is sent. */
export class ScriptedLine implements Line {
  readonly sharing = 'off';
  readonly sent: ClientFrame[] = [];

  start(): void {}

  stop(): void {}

  wake(): void {}

  send(frames: readonly ClientFrame[]): void {
    this.sent.push(...frames);
  }

  /** Frames of one type, in the order in which they were sent. */
  of<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }>[] {
    return this.sent.filter(
      (frame): frame is Extract<ClientFrame, { type: T }> => frame.type === type,
    );
  }
}

/** A JWT nobody has signed. */
export function unsignedToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}

/** The n-th position of a log. */
export function positionAt(n: number, nonce = 'aaaa'): string {
  return `${1_000 + n}-0.${nonce}`;
}
