import { randomBase36 } from '@halley/shared/ops';

const EDGE_ID_LENGTH = 8;

/** The edgeId: new at each start, and again when a sweeper has declared this edge dead. */
export class EdgeIdentity {
  #id = randomBase36(EDGE_ID_LENGTH);

  get id(): string {
    return this.#id;
  }

  renew(): void {
    this.#id = randomBase36(EDGE_ID_LENGTH);
  }
}
