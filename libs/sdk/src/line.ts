import type { Position, ServerFrame } from '@halley/shared/protocol';
import type { ConnectionState } from './connection-state.js';
import type { ClientFrame } from './frames.js';
import type { Sharing } from './types.js';

/** What a session is told. All of it can be cloned: it may come from another tab. */
export type Note =
  /** Frames can be sent. What was asked before is lost: it has to be asked again. */
  | {
      readonly type: 'up';
      readonly connectionId: string;
      readonly queuePosition: Position | null;
      /** Where private messages were lost; those that are left of before follow. */
      readonly gap: Position | null;
    }
  | { readonly type: 'down' }
  | { readonly type: 'frame'; readonly frame: ServerFrame }
  | { readonly type: 'state'; readonly state: ConnectionState };

/** The way of a session to the edge: a connection of its own, or that of another tab. */
export interface Line {
  /** Whose connection it is, where there is a choice. */
  readonly sharing?: Sharing;
  /** Once. */
  start(): void;
  /** For good, and without a note. */
  stop(): void;
  /** The machine or the page may have slept. */
  wake(): void;
  /** While it is up. */
  send(frames: readonly ClientFrame[]): void;
}
