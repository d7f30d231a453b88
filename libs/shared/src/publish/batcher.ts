/** Joins what is added in one event-loop turn into few calls, and hands every answer back. */

interface Waiting<I, O> {
  readonly item: I;
  resolve(outcome: O): void;
  reject(error: unknown): void;
}

export class Batcher<I, O> {
  readonly #max: number;
  readonly #groupOf: (item: I) => number;
  readonly #send: (items: readonly I[]) => Promise<readonly O[]>;
  #waiting: Waiting<I, O>[] = [];

  /**
   * @param max items of one call
   * @param groupOf items of different groups never share a call
   * @param send gives the outcomes in the order of the items
   */
  constructor(
    max: number,
    groupOf: (item: I) => number,
    send: (items: readonly I[]) => Promise<readonly O[]>,
  ) {
    this.#max = max;
    this.#groupOf = groupOf;
    this.#send = send;
  }

  add(item: I): Promise<O> {
    return new Promise((resolve, reject) => {
      // After the poll phase: all requests that arrived in this turn are in.
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ item, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const groups = new Map<number, Waiting<I, O>[]>();
    for (const entry of waiting) {
      const key = this.#groupOf(entry.item);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [entry]);
      else group.push(entry);
    }
    for (const group of groups.values()) {
      for (let at = 0; at < group.length; at += this.#max) {
        void this.#deliver(group.slice(at, at + this.#max));
      }
    }
  }

  async #deliver(batch: readonly Waiting<I, O>[]): Promise<void> {
    try {
      const outcomes = await this.#send(batch.map((entry) => entry.item));
      for (const [index, entry] of batch.entries()) entry.resolve(outcomes[index] as O);
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
  }
}
