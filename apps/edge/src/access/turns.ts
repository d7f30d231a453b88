type Waiter = (isMyTurn: boolean) => void;

/** Lets so many do something at a time; a bounded number waits, each as long as it wants to. */
export class Turns {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiter>();
  #running = 0;

  constructor(maxRunning: number, maxWaiting: number) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** @returns false where too many wait already, or the time was over first; else `done` must follow */
  take(signal: AbortSignal): Promise<boolean> {
    if (this.#running < this.#maxRunning) {
      this.#running += 1;
      return Promise.resolve(true);
    }
    if (this.#waiting.size >= this.#maxWaiting) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end: Waiter = (isMyTurn) => {
        this.#waiting.delete(end);
        signal.removeEventListener('abort', give);
        resolve(isMyTurn);
      };
      const give = () => end(false);
      signal.addEventListener('abort', give);
      this.#waiting.add(end);
    });
  }

  done(): void {
    const next = this.#waiting.values().next();
    if (next.done === true) this.#running -= 1;
    else next.value(true);
  }
}
