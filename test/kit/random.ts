/** Seeded choices, so that a failing case can be run again by its seed. */

const UINT32 = 2 ** 32;
const GOLDEN_RATIO = 0x9e3779b9;
const DRAWN_MAX_CHARS = 64;

/** Mulberry32: small, fast, and good enough to spread test cases. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator of its own for one case of a run: case n does not depend on those before it. */
  static ofCase(seed: number, index: number): Random {
    return new Random(Math.imul(index + 1, GOLDEN_RATIO) ^ seed);
  }

  /** 0 <= n < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / UINT32;
  }

  /** An integer from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.next() * choices.length)];
    if (choice === undefined) throw new RangeError('nothing to pick from');
    return choice;
  }

  /** @param choices with their weights */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.next() * total;
    for (const [weight, choice] of choices) {
      at -= weight;
      if (at < 0) return choice;
    }
    throw new RangeError('nothing to pick from');
  }

  /** Long texts repeat themselves: drawing each of 8,192 characters costs more than it finds. */
  text(alphabet: string, length: number): string {
    const drawn = Math.min(length, DRAWN_MAX_CHARS);
    let text = '';
    for (let index = 0; index < drawn; index += 1) {
      text += alphabet[this.int(0, alphabet.length - 1)];
    }
    return drawn === length ? text : text.repeat(Math.ceil(length / drawn)).slice(0, length);
  }
}

/** A seed from the environment, to replay or to widen a run. */
export function seedFrom(variable: string, fallback: number): number {
  return numberFrom(variable, fallback);
}

/** @throws Error where the variable holds no non-negative integer */
export function numberFrom(variable: string, fallback: number): number {
  const given = process.env[variable];
  if (given === undefined || given === '') return fallback;
  if (!/^\d{1,15}$/.test(given)) throw new Error(`${variable} must be a non-negative integer`);
  return Number(given);
}
