import type { ServerFrame } from '@halley/shared/protocol';
import type { StreamItem } from '../tail.js';

/** How one wire spells what the core says. One object for all connections of the wire. */
export interface Wire {
  readonly name: string;
  encode(frame: ServerFrame): string;
  /** A stored message, as its connections get it on replay. */
  encodeItem(item: StreamItem): string | Uint8Array;
}
