/** Joins what is added in one event-loop turn into few calls, and hands every answer back. */

interface Waiting<I, O> {
  readonly item: I;
  resolve(outcome: O | Promise<O>): void;
  reject(error: unknown): void;
}

export class Batcher<I, O> {
  readonly #max: number;
  readonly #groupOf: (item: I) => number;
  readonly #send: (items: readonly I[]) => Promise<readonly (O | Promise<O>)[]>;
  #waiting = new Map<number, Waiting<I, O>[]>();
  #isScheduled = false;

  /**
   * @param max items of one call
   * @param groupOf items of different groups never share a call
   * @param send gives the outcomes in the order of the items; one may come later than the others
   */
  constructor(
    max: number,
    groupOf: (item: I) => number,
    send: (items: readonly I[]) => Promise<readonly (O | Promise<O>)[]>,
  ) {
    this.#max = max;
    this.#groupOf = groupOf;
    this.#send = send;
  }

  add(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      const key = this.#groupOf(item);
      const group = this.#waiting.get(key) ?? [];
      group.push({ item, resolve, reject });
      if (group.length === this.#max) {
        // The store works on this one while the next is put together.
        this.#waiting.delete(key);
        void this.#deliver(group);
        return;
      }
      if (group.length === 1) this.#waiting.set(key, group);
      this.#schedule();
    });
  }

  /** After the poll phase: by then all that arrived in this turn is in. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    this.#isScheduled = false;
    for (const group of waiting.values()) void this.#deliver(group);
  }

  async #deliver(batch: readonly Waiting<I, O>[]): Promise<void> {
    try {
      const outcomes = await this.#send(batch.map((entry) => entry.item));
      for (const [index, entry] of batch.entries())
        entry.resolve(outcomes[index] as O | Promise<O>);
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
  }
}
