/** What a wire has to bring to be held to the contract: a driver that speaks it as its clients do. */

import type { EdgeProcess } from '../kit/fleet.js';

export interface Delivery {
  /** Position of the message; null where the wire does not tell it. */
  readonly id: string | null;
  readonly data: unknown;
}

export interface Subscription {
  /** What the client would show to go on from here. */
  readonly mark: string;
  /** Absent where nothing was shown, or where the wire has no word for it. */
  readonly recovered?: boolean;
}

export interface PeerOptions {
  /** A token names the client. */
  readonly token?: string;
  /** Position in the client's queue. */
  readonly queueAfter?: string;
}

/** The wire said no, by one of Halley's codes or in its own word. */
export class WireRefusal extends Error {
  override readonly name = 'WireRefusal';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** One client. */
export interface Peer {
  /**
   * Rejects with a `WireRefusal`.
   * @param topic a channel; of a wire that carries queues, the client that it speaks for
   * @param mark from where to go on
   */
  subscribe(topic: string, mark?: string): Promise<Subscription>;
  /** All messages of a topic so far; of null the private ones. */
  received(topic: string | null): readonly Delivery[];
  /** What the client would show to go on after all that it has received. */
  markOf(topic: string): string;
  /** Stops and starts to read from the network. */
  pause(): void;
  resume(): void;
  /** Resolves when the edge asks the client to go, in whatever way the wire has. */
  readonly goodbye: Promise<void>;
  /** Resolves when the edge ended the connection: by which code, or null where the wire cannot say. */
  readonly ended: Promise<string | null>;
  close(): Promise<void>;
}

/** What a client is told that asks for what it must not have; null where it cannot ask so. */
export interface RefusalWords {
  readonly noRight: string | null;
  readonly badName: string;
  readonly badToken: string | null;
  readonly expiredToken: string | null;
}

export interface WireUnderTest {
  readonly name: string;
  /** Topics are channels, or the queues of clients, of which each message has one taker. */
  readonly carries: 'channels' | 'queues';
  /** Marks are positions: one that proves nothing is told so. */
  readonly tellsRecovery: boolean;
  /** Default true. False: a client cannot tell from when on it is subscribed. */
  readonly confirmsSubscribe?: boolean;
  readonly refusals: RefusalWords;
  /** What an edge is started with for it: a port of its own, a deadline that tests can wait for. */
  edgeEnv?(): Promise<Readonly<Record<string, string>>>;
  /** Rejects with a `WireRefusal`. */
  open(edge: EdgeProcess, options?: PeerOptions): Promise<Peer>;
}

/** As the native wires say it. */
export const NATIVE_REFUSALS: RefusalWords = {
  noRight: 'forbidden',
  badName: 'bad-channel',
  badToken: 'bad-token',
  expiredToken: 'token-expired',
};
