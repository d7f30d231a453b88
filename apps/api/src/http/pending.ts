/** Counts what is under way, so that an end can wait for it. */
export class Pending {
  #count = 0;
  #idle: (() => void)[] = [];

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle = [];
  }

  /** Resolves when nothing is under way, at the latest after `deadlineMs`. */
  async drained(deadlineMs: number): Promise<void> {
    if (this.#count === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      timer = setTimeout(resolve, deadlineMs);
    });
    clearTimeout(timer);
  }
}
