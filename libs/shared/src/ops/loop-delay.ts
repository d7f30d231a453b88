import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

/** How late the event loop runs its timers: what a message waits before anybody looks at it. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /**
   * The 99th percentile in ms since the last call, which starts the next window: one reader only.
   * 0 while nothing has been measured.
   */
  takeP99Ms(): number {
    if (this.#histogram.count === 0) return 0;
    const p99Ms = this.#histogram.percentile(99) / NANOSECONDS_PER_MS;
    this.#histogram.reset();
    // The histogram records the whole time between two ticks, of which the interval is no delay.
    return Math.max(0, p99Ms - RESOLUTION_MS);
  }

  stop(): void {
    this.#histogram.disable();
  }
}
