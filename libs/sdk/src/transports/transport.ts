import type { Advice, Position, ServerFrame } from '@halley/shared/protocol';
import type { ClientFrame } from '../frames.js';
import type { TransportName } from '../types.js';

/** Why a link ended, or never began. */
export interface LinkEnd {
  /** Stable code; absent where only the network knows. */
  readonly code?: string | undefined;
  readonly advice: Advice;
  readonly retryAfterMs?: number | undefined;
  /** The edge itself has answered: another transport would hear the same. */
  readonly isAnswer?: boolean;
}

export interface LinkEvents {
  /** In order; the first is `welcome`, and the only one. */
  onFrame(frame: ServerFrame): void;
  /** A sign of life that is no frame. */
  onAlive(): void;
  /** Once, and last. Not called after `close()`. */
  onEnd(end: LinkEnd): void;
}

/** One connection, as far as the edge is concerned: what a link lost, the next one resumes. */
export interface Link {
  /** After the welcome only. */
  send(frames: readonly ClientFrame[]): void;
  /** Asks for a sign of life; nothing where the edge gives signs by itself. */
  ping(): void;
  close(): void;
}

export interface LinkOptions {
  /** Origin of the node, such as `https://edge-1.example.com`; no slash at its end. */
  readonly node: string;
  readonly token: string | null;
  /** Name of a client without a token. */
  readonly client: string | null;
  /** How far this client has seen its queue. */
  readonly queueAfter: Position | null;
  /** Within which each request that receives must give its `welcome`; else the link ends by `deaf`. */
  readonly welcomeMs: number;
  readonly env: Env;
}

export interface Transport {
  readonly name: TransportName;
  /** This environment can run it. */
  isPossible(env: Env): boolean;
  /** Connects at once; what goes wrong is told by `onEnd`, later than this call. */
  open(options: LinkOptions, events: LinkEvents): Link;
}

/** What the platform gives; undefined where it does not. */
export interface Env {
  readonly WebSocket: typeof WebSocket | undefined;
  readonly EventSource: typeof EventSource | undefined;
  readonly fetch: typeof fetch | undefined;
  readonly document: Document | undefined;
}
