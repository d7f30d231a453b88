import type { Position, ServerFrame } from '@halley/shared/protocol';
import type { StreamItem } from './tail.js';

/** Who takes part in a stream: a session in a channel, or in its client's queue. */
export interface Listener {
  /** It ended while it waited to be started. */
  readonly isGone: boolean;
  replay(item: StreamItem): void;
  send(frame: ServerFrame): void;
  /** More bytes than these wait to be written: the replay pauses. */
  isCongested(aheadBytes: number): boolean;
}

/**
 * Replays that are longer than their reader can take at once. Sent in one go they would cut it as a slow
 * reader, over and over.
 */
export class Replays {
  readonly #aheadBytes: number;
  #paused: Map<Listener, Position> | null = null;

  /** @param aheadBytes that a replay may leave waiting */
  constructor(aheadBytes: number) {
    this.#aheadBytes = aheadBytes;
  }

  get isPaused(): boolean {
    return this.#paused !== null;
  }

  /** @returns true when all has been replayed; false: paused until the listener has room */
  run(listener: Listener, items: readonly StreamItem[]): boolean {
    for (const [index, item] of items.entries()) {
      listener.replay(item);
      if (index === items.length - 1 || !listener.isCongested(this.#aheadBytes)) continue;
      this.#paused ??= new Map();
      this.#paused.set(listener, item.id);
      return false;
    }
    return true;
  }

  /** Ends the pause of a listener. @returns how far it had come, or null if it was not paused */
  take(listener: Listener): Position | null {
    const position = this.#paused?.get(listener) ?? null;
    this.#paused?.delete(listener);
    if (this.#paused?.size === 0) this.#paused = null;
    return position;
  }
}
