/** Whether the numbers 1, 2, 3, ... all came, once each and in order. */
export class Sequence {
  received = 0;
  repeated = 0;
  reordered = 0;
  /** The highest number so far. */
  through = 0;
  /** Made where it is needed: most sequences of a crowd have no holes. */
  #holes: Set<number> | null = null;

  /** @throws Error where it is no number of a sequence */
  take(number: unknown): void {
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 1) {
      throw new Error(`not a number of a sequence: ${JSON.stringify(number)}`);
    }
    this.received += 1;
    if (number > this.through) this.#advance(number);
    else if (this.#holes?.delete(number) === true) this.reordered += 1;
    else this.repeated += 1;
  }

  /** Numbers below the highest one that did not come. */
  get holes(): number {
    return this.#holes?.size ?? 0;
  }

  #advance(number: number): void {
    for (let hole = this.through + 1; hole < number; hole += 1) {
      this.#holes ??= new Set();
      this.#holes.add(hole);
    }
    this.through = number;
  }
}

/** Sums over any number of sequences. */
export interface Tally {
  readonly received: number;
  readonly lost: number;
  readonly repeated: number;
  readonly reordered: number;
  /** Losses that the SDK told of. */
  readonly gaps: number;
}

/** @throws Error that says what was wrong: there is no figure of messages that are lost */
export function refuseFaults(name: string, tally: Tally): void {
  const { lost, repeated, reordered, gaps } = tally;
  if (lost + repeated + reordered + gaps > 0) {
    throw new Error(`${name}: not every message once and in order: ${JSON.stringify(tally)}`);
  }
}
