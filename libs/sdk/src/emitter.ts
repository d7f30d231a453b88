import { addTo } from './multimap.js';

export type Handler<T> = (value: T) => void;

/** Typed events. A handler that throws stops neither the others nor the stream. */
export class Emitter<Events extends object> {
  readonly #handlers = new Map<keyof Events, Set<Handler<never>>>();
  readonly #onFault: (thrown: unknown) => void;

  /** @param onFault is told what a handler threw */
  constructor(onFault: (thrown: unknown) => void) {
    this.#onFault = onFault;
  }

  /** @returns takes the handler off again */
  on<E extends keyof Events>(event: E, handler: Handler<Events[E]>): () => void {
    addTo(this.#handlers, event, handler);
    return () => void this.#handlers.get(event)?.delete(handler);
  }

  /** @returns false where nobody listens */
  emit<E extends keyof Events>(event: E, value: Events[E], onFault = this.#onFault): boolean {
    const handlers = [...(this.#handlers.get(event) ?? [])] as Handler<Events[E]>[];
    for (const handler of handlers) {
      try {
        // What it throws later counts too.
        const result: unknown = handler(value);
        if (result instanceof Promise) result.catch(onFault);
      } catch (error) {
        onFault(error);
      }
    }
    return handlers.length > 0;
  }
}
