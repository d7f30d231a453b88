import type { ChannelTokens, NumberStore } from '../../core/ports/numbers.js';
import type { Site as NativeSite } from '../native-http/site.js';
import type { Rooms } from './rooms.js';

/** What all connections of this door share. */
export interface Site extends NativeSite {
  readonly rooms: Rooms;
  readonly numbers: NumberStore;
  /** Null: a channel's right to subscribe decides, not a token of the channel. */
  readonly tokens: ChannelTokens | null;
  /** Silence after which a subscriber gets a noop, seconds. */
  readonly pollingTimeoutSeconds: number;
  /** Serves the paths without the prefix too. */
  readonly bare: boolean;
  /** Whether the messages of a channel have numbers. */
  isNumbered(channel: string): boolean;
}
