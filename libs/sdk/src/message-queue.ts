import { HalleyError } from './errors.js';
import type { Ending } from './subscription.js';
import type { Message } from './types.js';

/** Messages that may wait for the loop of a `for await`. */
export const ITERATOR_MAX_MESSAGES = 1_000;

/** What `for await` takes its messages from. */
export class MessageQueue implements AsyncIterableIterator<Message> {
  readonly #onReturn: (queue: MessageQueue) => void;
  #messages: Message[] = [];
  #ending: Ending | undefined;
  /** Resolves at the next message, or the end. */
  #news: Promise<void> | null = null;
  #wake: () => void = () => undefined;

  constructor(onReturn: (queue: MessageQueue) => void) {
    this.#onReturn = onReturn;
  }

  push(message: Message): void {
    if (this.#messages.push(message) > ITERATOR_MAX_MESSAGES) {
      this.end(new HalleyError('slow-iterator', { channel: message.channel }));
      void this.return();
    }
    this.#tell();
  }

  /** What waits is delivered before. */
  end(ending: Ending): void {
    if (this.#ending === undefined) this.#ending = ending;
    this.#tell();
  }

  async next(): Promise<IteratorResult<Message>> {
    while (this.#messages.length === 0 && this.#ending === undefined) {
      this.#news ??= new Promise((resolve) => {
        this.#wake = resolve;
      });
      await this.#news;
    }
    const value = this.#messages.shift();
    if (value !== undefined) return { value };
    const error = this.#ending;
    this.#ending = null;
    if (error) throw error;
    return { value, done: true };
  }

  async return(): Promise<IteratorResult<Message>> {
    this.#messages = [];
    this.end(null);
    this.#onReturn(this);
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #tell(): void {
    this.#news = null;
    this.#wake();
  }
}
