export interface OverloadLimits {
  /** Delay of the event loop. */
  readonly lagMs: number;
  /** Bytes that wait for all readers. */
  readonly backpressureBytes: number;
}

/** Looks in a row that have to show it: one pause of the process is none. */
const LOOKS = 2;
/** Share of the limits below which it is over. */
const CALM_SHARE = 0.5;

/** Whether this edge gets more than it can deliver, by its own measurements; does not flap. */
export class Overload {
  readonly #limits: OverloadLimits;
  #looks = 0;

  constructor(limits: OverloadLimits) {
    this.#limits = limits;
  }

  get isOverloaded(): boolean {
    return this.#looks >= LOOKS;
  }

  /** One look, every few seconds. */
  note(lagMs: number, backpressureBytes: number): void {
    const { lagMs: lagMaxMs, backpressureBytes: waitingMaxBytes } = this.#limits;
    const share = Math.max(lagMs / lagMaxMs, backpressureBytes / waitingMaxBytes);
    if (share > 1) this.#looks = Math.min(LOOKS, this.#looks + 1);
    else if (!this.isOverloaded || share < CALM_SHARE) this.#looks = 0;
  }
}
