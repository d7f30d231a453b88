import type { Position } from '@halley/shared/protocol';

/** Where somebody who counts messages stands in a channel. */
export interface Place {
  /** Number that the next message will have, from 1. */
  readonly next: number;
  /** Of the last message. */
  readonly top: Position;
  /** Before the first message that is wanted and kept; null where none is. */
  readonly before: Position | null;
}

/** The numbers of the channels whose namespace numbers messages. */
export interface NumberStore {
  /**
   * @param wanted number of the next message that somebody wants, 32 bits with a sign; 0: none
   * @throws RefusedError `unavailable`
   */
  locate(channel: string, wanted: number): Promise<Place>;
}

/** Tokens that a backend was given for one channel each. */
export interface ChannelTokens {
  /** @throws RefusedError `unavailable` */
  isToken(channel: string, token: string): Promise<boolean>;
  /** Lets the tokens of channels that are in use live on. */
  keep(channels: readonly string[]): Promise<void>;
}
