import type { Position } from './types.js';

const KEPT_MAX = 256;

/** The ids of some last messages. */
export class RecentIds {
  readonly #ids = new Set<Position>();

  add(id: Position): void {
    this.#ids.add(id);
    if (this.#ids.size > KEPT_MAX) this.#ids.delete(this.#ids.values().next().value as Position);
  }

  has(id: Position): boolean {
    return this.#ids.has(id);
  }
}
