/**
 * Joins items into few calls, and hands every answer back. What comes while calls are under way travels
 * together when one of them is answered: the more there is to do, the less each item costs, and where
 * there is little nothing waits.
 */

interface Waiting<I, O> {
  readonly item: I;
  resolve(outcome: O | Promise<O>): void;
  reject(error: unknown): void;
}

interface Group<I, O> {
  waiting: Waiting<I, O>[];
  /** Calls without an answer. */
  underWay: number;
  /** Those who wait have seen a whole tick pass. */
  isOverdue: boolean;
}

/** The store works on one call while the next is put together. */
const UNDER_WAY_MAX = 2;
/** Nobody waits longer than two of these for the answer to another call: the store may hang, or be far. */
const TICK_MS = 10;

export class Batcher<I, O> {
  readonly #max: number;
  readonly #groupOf: (item: I) => number;
  readonly #send: (items: readonly I[]) => Promise<readonly (O | Promise<O>)[]>;
  readonly #groups = new Map<number, Group<I, O>>();
  #isScheduled = false;
  #isTicking = false;

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
      let group = this.#groups.get(key);
      if (group === undefined) {
        group = { waiting: [], underWay: 0, isOverdue: false };
        this.#groups.set(key, group);
      }
      group.waiting.push({ item, resolve, reject });
      if (group.waiting.length === this.#max) void this.#deliver(key, group);
      else this.#schedule();
    });
  }

  /** After the poll phase: by then all that arrived in this turn is in. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      for (const [key, group] of this.#groups) {
        if (group.waiting.length === 0) continue;
        if (group.underWay < UNDER_WAY_MAX) void this.#deliver(key, group);
        else this.#tick();
      }
    });
  }

  #tick(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    setTimeout(() => {
      this.#isTicking = false;
      for (const [key, group] of this.#groups) {
        if (group.waiting.length === 0) continue;
        if (group.isOverdue) {
          void this.#deliver(key, group);
        } else {
          group.isOverdue = true;
          this.#tick();
        }
      }
    }, TICK_MS);
  }

  async #deliver(key: number, group: Group<I, O>): Promise<void> {
    const batch = group.waiting;
    group.waiting = [];
    group.isOverdue = false;
    group.underWay += 1;
    try {
      const outcomes = await this.#send(batch.map((entry) => entry.item));
      for (const [index, entry] of batch.entries())
        entry.resolve(outcomes[index] as O | Promise<O>);
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
    group.underWay -= 1;
    if (group.waiting.length > 0) this.#schedule();
    else if (group.underWay === 0) this.#groups.delete(key);
  }
}
