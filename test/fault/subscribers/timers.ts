/** The timers of one client; none fires after `stop`. */
export class Timers {
  readonly #timers = new Set<NodeJS.Timeout>();
  #isStopped = false;

  /** @returns takes it back */
  later(delayMs: number, call: () => void): () => void {
    if (this.#isStopped) return () => undefined;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      call();
    }, delayMs);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
