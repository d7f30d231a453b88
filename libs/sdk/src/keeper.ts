import { readStored, store } from './storage.js';
import type { Position } from './types.js';

interface Stored {
  readonly channels: Record<string, Position>;
  readonly queue: Position | null;
}

export interface PositionSource {
  /** Of each channel. */
  positions(): Record<string, Position>;
  readonly queuePosition: Position | null;
}

const SAVE_INTERVAL_MS = 1_000;
const KEY = 'halley:positions:';

/** Keeps positions through a reload of the page, each identity's apart. */
export class Keeper {
  readonly #key: string;
  readonly #before: Stored;
  readonly #source: PositionSource;
  readonly #timer: ReturnType<typeof setInterval>;
  #saved = '';

  /** @param source gives what is to be kept */
  constructor(identity: string, source: PositionSource) {
    this.#key = KEY + identity;
    const none = { channels: {}, queue: null };
    this.#before = (readStored('sessionStorage', this.#key) ?? none) as Stored;
    this.#source = source;
    // A page that crashes says nothing before.
    this.#timer = setInterval(() => this.save(), SAVE_INTERVAL_MS);
  }

  /** Before the reload. */
  positionOf(channel: string): Position | undefined {
    return this.#before.channels[channel];
  }

  /** Who subscribes again later begins then. */
  forget(channel: string): void {
    delete this.#before.channels[channel];
  }

  get queuePosition(): Position | null {
    return this.#before.queue;
  }

  save(): void {
    const now: Stored = {
      channels: this.#source.positions(),
      queue: this.#source.queuePosition,
    };
    const text = JSON.stringify(now);
    if (text !== this.#saved) store('sessionStorage', this.#key, now);
    this.#saved = text;
  }

  stop(): void {
    this.save();
    clearInterval(this.#timer);
  }
}
