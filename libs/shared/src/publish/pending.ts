import { type Refusal, refusal, retryLater } from '../protocol/index.js';

export interface PendingLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** What was handed to the store and not answered: bounded, since a slow store would fill the memory. */
export class Pending {
  readonly #limits: PendingLimits;
  #messages = 0;
  #bytes = 0;

  constructor(limits: PendingLimits) {
    this.#limits = limits;
  }

  get messages(): number {
    return this.#messages;
  }

  /** Counts a message. @returns why it cannot be handed over, or null. A large one alone always can. */
  add(bytes: number): Refusal | null {
    const { messages, bytes: most } = this.#limits;
    if (this.#messages > 0 && (this.#messages >= messages || this.#bytes + bytes > most)) {
      return retryLater(refusal('overloaded', 'too many messages wait for the store'));
    }
    this.#messages += 1;
    this.#bytes += bytes;
    return null;
  }

  remove(messages: number, bytes: number): void {
    this.#messages -= messages;
    this.#bytes -= bytes;
  }
}
