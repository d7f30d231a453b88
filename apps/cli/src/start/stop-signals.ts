/** Ctrl-C and service managers: the first signal asks for an orderly stop, a later one for a quick one. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One Ctrl-C may come twice, from the terminal and from the npm above us: that is no second one. */
const SAME_KEYSTROKE_MS = 500;

export class StopSignals {
  readonly first: Promise<void>;
  readonly second: Promise<void>;
  #resolveFirst: () => void = () => undefined;
  #resolveSecond: () => void = () => undefined;
  #firstAt: number | undefined;
  #isUrgent = false;

  constructor() {
    this.first = new Promise((resolve) => {
      this.#resolveFirst = resolve;
    });
    this.second = new Promise((resolve) => {
      this.#resolveSecond = resolve;
    });
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Whether the second one came. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = (): void => {
    const now = performance.now();
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      this.#resolveFirst();
    } else if (now - this.#firstAt > SAME_KEYSTROKE_MS) {
      this.#isUrgent = true;
      this.#resolveSecond();
    }
  };
}
