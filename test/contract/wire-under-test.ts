/** What a wire has to bring to be held to the contract: a driver that speaks it as its clients do. */

import type { Code } from '@halley/shared/protocol';
import type { EdgeProcess } from '../kit/fleet.js';

/** What some wires cannot do; a test that needs it is skipped by this name. */
export type Capability =
  /** A position from before gives what was missed. */
  | 'resume'
  /** Private messages and their queue. */
  | 'private'
  /** A client without the right is told why. */
  | 'refusal-codes'
  /** The edge pushes, so a reader can be too slow for it. */
  | 'push'
  /** A leaving edge asks its clients to go. */
  | 'goodbye';

export interface Delivery {
  readonly id: string;
  readonly data: unknown;
}

export interface Subscription {
  /** Of the newest message before the live ones. */
  readonly position: string;
  /** Absent where no position was shown. */
  readonly recovered?: boolean;
}

export interface PeerOptions {
  /** A token names the client. */
  readonly token?: string;
  /** Position in the client's queue. */
  readonly queueAfter?: string;
}

/** The wire said no. */
export class WireRefusal extends Error {
  override readonly name = 'WireRefusal';
  readonly code: Code;

  constructor(code: Code) {
    super(code);
    this.code = code;
  }
}

/** One client. */
export interface Peer {
  /** Rejects with a `WireRefusal`. @param after position to resume from */
  subscribe(channel: string, after?: string): Promise<Subscription>;
  /** All messages of a channel so far; of null the private ones. */
  received(channel: string | null): readonly Delivery[];
  /** Stops and starts to read from the network. */
  pause(): void;
  resume(): void;
  /** Resolves when the edge asks the client to go. */
  readonly goodbye: Promise<void>;
  /** Resolves when the edge ended the connection: by which code, or null where the wire cannot say. */
  readonly ended: Promise<Code | null>;
  close(): Promise<void>;
}

export interface WireUnderTest {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Rejects with a `WireRefusal`. */
  open(edge: EdgeProcess, options?: PeerOptions): Promise<Peer>;
}
