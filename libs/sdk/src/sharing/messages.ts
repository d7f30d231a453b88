/** What the tabs of one identity say to each other over their BroadcastChannel. */

import type { ClientFrame } from '../frames.js';
import type { Note } from '../line.js';
import type { Position } from '../types.js';

/** From a leader. */
export type FromLeader =
  /** A tab holds the connection now, or still: who wants it says `hello`. */
  | { readonly type: 'leader'; readonly from: string }
  | {
      readonly type: 'note';
      readonly from: string;
      readonly to: readonly string[];
      readonly note: Note;
    };

/** To a leader. */
export type ToLeader =
  /** Asks who leads, and whether it still does. */
  | { readonly type: 'who'; readonly from: string }
  | {
      readonly type: 'hello';
      readonly from: string;
      readonly to: string;
      readonly queueAfter: Position | null;
    }
  | { readonly type: 'bye'; readonly from: string; readonly to: string }
  /** The tab has woken up. */
  | { readonly type: 'wake'; readonly from: string; readonly to: string }
  | {
      readonly type: 'frames';
      readonly from: string;
      readonly to: string;
      readonly frames: readonly ClientFrame[];
    };

export type TabMessage = FromLeader | ToLeader;
