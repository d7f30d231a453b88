import type { ApiCaller, ApiKeys } from '@halley/shared/auth';

/** Spellings of valid headers that are kept: a caller may vary the case of the scheme, and spaces. */
const KNOWN_MAX = 64;

/**
 * Who calls. The digests that make a comparison equally long for every wrong secret cost a tenth of a
 * publish, so headers that were found valid are remembered: whoever is found here has the whole secret,
 * and a wrong one takes the long way each time.
 */
export class Callers {
  readonly #keys: ApiKeys;
  readonly #known = new Map<string, ApiCaller>();

  constructor(keys: ApiKeys) {
    this.#keys = keys;
  }

  check(authorization: string): ApiCaller | null {
    const known = this.#known.get(authorization);
    if (known !== undefined) return known;
    const caller = this.#keys.check(authorization);
    if (caller !== null && this.#known.size < KNOWN_MAX) this.#known.set(authorization, caller);
    return caller;
  }
}
