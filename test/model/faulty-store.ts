import type { Clock } from '@halley/edge/dist/core/ports/clock.js';
import type { QueueStore } from '@halley/edge/dist/core/ports/stores.js';
import type { LogView, Position } from '@halley/shared/protocol';
import type { Random } from '../kit/random.js';

/** Chances of each call. */
export interface Faults {
  readonly delayed: number;
  /** Rejected without having reached Redis. */
  readonly callLost: number;
  /** Done by Redis, and rejected all the same. */
  readonly replyLost: number;
}

/** Longest delay of a call on either way, in turns of the event loop. */
const DELAY_MAX_TURNS = 12;

export function turns(count: number): Promise<void> {
  return new Promise((resolve) => {
    const next = (left: number): void => {
      if (left === 0) resolve();
      else setImmediate(next, left - 1);
    };
    next(count);
  });
}

/** The way from one edge to Redis, on which calls wait and get lost. Those of two edges overtake each other. */
export class FaultyStore implements QueueStore {
  readonly #store: QueueStore;
  readonly #random: Random;
  readonly #faults: Faults;
  readonly #landing = new Set<Promise<unknown>>();
  #isDead = false;

  constructor(store: QueueStore, random: Random, faults: Faults) {
    this.#store = store;
    this.#random = random;
    this.#faults = faults;
  }

  get isIdle(): boolean {
    return this.#landing.size === 0;
  }

  /** The edge is gone: nothing it asks for from now on happens; what is under way may still. */
  die(): void {
    this.#isDead = true;
  }

  /** Resolves when nothing that was sent can reach Redis any more. */
  async landed(): Promise<void> {
    while (this.#landing.size > 0) await Promise.allSettled(this.#landing);
  }

  connect(clientId: string, after: Position | null): Promise<LogView> {
    return this.#send(() => this.#store.connect(clientId, after));
  }

  disconnect(clientId: string): Promise<{ readonly edges: number; readonly watched: boolean }> {
    return this.#send(() => this.#store.disconnect(clientId));
  }

  offline(clientId: string): Promise<void> {
    return this.#send(() => this.#store.offline(clientId));
  }

  acked(clientId: string, position: Position): Promise<void> {
    return this.#send(() => this.#store.acked(clientId, position));
  }

  #send<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isDead) return forever();
    const landing = this.#land(call);
    this.#landing.add(landing);
    const settle = () => void this.#landing.delete(landing);
    landing.then(settle, settle);
    // A process that is gone hears no answer.
    return landing.then(
      (answer) => (this.#isDead ? forever() : answer),
      (error: unknown) => {
        if (this.#isDead) return forever();
        throw error;
      },
    );
  }

  async #land<T>(call: () => Promise<T>): Promise<T> {
    await this.#delay();
    if (this.#random.chance(this.#faults.callLost)) throw new Error('the call was lost');
    const answer = await call();
    await this.#delay();
    if (this.#random.chance(this.#faults.replyLost)) throw new Error('the reply was lost');
    return answer;
  }

  async #delay(): Promise<void> {
    if (!this.#random.chance(this.#faults.delayed)) return;
    await turns(this.#random.int(1, DELAY_MAX_TURNS));
  }
}

function forever<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

/** Timers that end after a few turns of the event loop, whatever their length. */
export class HastyClock implements Clock {
  readonly #random: Random;
  pending = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  now(): number {
    return 0;
  }

  after(_delayMs: number, callback: () => void): () => void {
    let isOff = false;
    this.pending += 1;
    void turns(this.#random.int(1, DELAY_MAX_TURNS)).then(() => {
      this.pending -= 1;
      if (!isOff) callback();
    });
    return () => {
      isOff = true;
    };
  }
}
