import type { ServerFrame } from '@halley/shared/protocol';
import type { StreamItem } from '../tail.js';

/**
 * How one wire spells what the core says; '' where it has no word for it. One object for all connections
 * of the wire, or one for each where the spelling depends on what the connection has seen.
 */
export interface Wire {
  readonly name: string;
  encode(frame: ServerFrame): string;
  /** A stored message. */
  encodeItem(item: StreamItem): string | Uint8Array;
  /** A finished native frame that is no stored message. */
  encodeNative(frame: string | Uint8Array): string | Uint8Array;
}
