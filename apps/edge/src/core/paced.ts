import type { Clock } from './ports/clock.js';

/** Calls under way of one kind: Redis answers them within milliseconds, however many edges do the same. */
const UNDER_WAY_MAX = 32;
const RETRY_MS = 1_000;

/**
 * Makes a call for each of very many, some at a time: all at once would be a storm, and as many by the clock
 * too where Redis or this machine is slow. Who waits for its call already gets one.
 */
export class Paced<T> {
  readonly #clock: Clock;
  readonly #call: (item: T) => Promise<void>;
  readonly #waiting = new Set<T>();
  /** Goes on through what is added: a new one would walk over the places of all that were taken before. */
  #order: IterableIterator<T> | null = null;
  #underWay = 0;

  /** @param call that is repeated where it throws, and holds up others meanwhile: they would not fare better */
  constructor(clock: Clock, call: (item: T) => Promise<void>) {
    this.#clock = clock;
    this.#call = call;
  }

  add(items: Iterable<T>): void {
    for (const item of items) this.#waiting.add(item);
    while (this.#underWay < UNDER_WAY_MAX && this.#waiting.size > 0) void this.#callOneByOne();
  }

  async #callOneByOne(): Promise<void> {
    this.#underWay += 1;
    for (let item = this.#take(); item !== undefined; item = this.#take()) {
      try {
        await this.#call(item);
      } catch {
        this.#waiting.add(item);
        await new Promise<void>((resolve) => this.#clock.after(RETRY_MS, resolve));
      }
    }
    this.#underWay -= 1;
  }

  #take(): T | undefined {
    this.#order ??= this.#waiting.values();
    const { value, done } = this.#order.next();
    if (done === true) {
      this.#order = null;
      return undefined;
    }
    this.#waiting.delete(value);
    return value;
  }
}
