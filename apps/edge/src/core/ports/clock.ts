export interface Clock {
  /** Unix ms. */
  now(): number;
  /** Calls back once; does not keep the process alive. @returns how to call it off */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
