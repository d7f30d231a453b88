import type { FleetLoad } from '@halley/shared/publish';
import type { Overload } from '../core/overload.js';

/** For what clients publish, the edge that takes it speaks for the fleet: it sees only itself. */
export class OwnLoad implements FleetLoad {
  readonly #overload: Overload;
  readonly overloadedEdges = [];

  constructor(overload: Overload) {
    this.#overload = overload;
  }

  get isOverloaded(): boolean {
    return this.#overload.isOverloaded;
  }
}
