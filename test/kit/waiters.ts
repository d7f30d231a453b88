/** Waiting for what a connection has collected. */

import { DEADLINE_MS, DeadlineError, within } from './wait.js';

export class Waiters {
  readonly #wakes = new Set<() => void>();
  #isClosed = false;

  /** @param closed the connection is over: nothing more will come */
  constructor(closed: Promise<unknown>) {
    void closed.then(() => {
      this.#isClosed = true;
      this.wake();
    });
  }

  /** Something has come. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }

  /**
   * Resolves once `probe` gives something, asked again at each `wake`. Rejects at the deadline, and when
   * the connection is over before.
   * @param has what has come so far, for the failure's text
   */
  async until<T>(
    probe: () => T | undefined | null | false,
    what: string,
    has: () => string,
    deadlineMs = DEADLINE_MS,
  ): Promise<T> {
    let wake: () => void = () => undefined;
    const found = new Promise<T>((resolve, reject) => {
      wake = () => {
        const value = probe();
        if (value !== undefined && value !== null && value !== false) resolve(value);
        else if (this.#isClosed) reject(new DeadlineError(`closed before ${what}; has ${has()}`));
      };
      this.#wakes.add(wake);
      wake();
    });
    try {
      return await within(found, () => `${what}; has ${has()}`, deadlineMs);
    } finally {
      this.#wakes.delete(wake);
    }
  }
}
