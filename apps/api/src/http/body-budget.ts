import { type Refusal, refusal, retryLater } from '@halley/shared/protocol';

/** Bytes of bodies of requests that are under way, all together. */
export class BodyBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns why so many more cannot be held, or null */
  refusalOf(bytes: number): Refusal | null {
    if (this.#heldBytes + bytes <= this.#maxBytes) return null;
    return retryLater(refusal('overloaded', 'too many bytes of request bodies are under way'));
  }

  hold(bytes: number): void {
    this.#heldBytes += bytes;
  }

  free(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}
