import { type Refusal, refusal, retryLater } from '@halley/shared/protocol';

export interface AdmissionLimits {
  readonly connections: number;
  readonly connectionsPerClient: number;
  /** 0: no limit. */
  readonly connectionsPerAddress: number;
}

/**
 * Who may come in, as far as numbers decide. Asked before anything else is done for a peer, and once more
 * when it enters: a token may take its time.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  /** Open connections by address, as a number: a text for each would be kept alive a million times. */
  readonly #byAddress = new Map<number, number>();
  #open = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Why this edge has no room for anybody, or null. */
  fullness(): Refusal | null {
    return this.#open < this.#limits.connections ? null : retryLater(refusal('edge-full'));
  }

  /** Why nobody from there is let in, or null. */
  refusalOfAddress(addressKey: number): Refusal | null {
    const full = this.fullness();
    if (full !== null) return full;
    const { connectionsPerAddress: most } = this.#limits;
    if (most === 0 || (this.#byAddress.get(addressKey) ?? 0) < most) return null;
    return tooMany(`one address has at most ${most} connections to an edge`);
  }

  /** @param connections that the client has here, or null where it has no name */
  refusalOfClient(connections: number): Refusal | null {
    const { connectionsPerClient: most } = this.#limits;
    if (connections < most) return null;
    return tooMany(`one client has at most ${most} connections to an edge`);
  }

  enter(addressKey: number): void {
    this.#open += 1;
    if (this.#limits.connectionsPerAddress === 0) return;
    this.#byAddress.set(addressKey, (this.#byAddress.get(addressKey) ?? 0) + 1);
  }

  leave(addressKey: number): void {
    this.#open -= 1;
    const left = (this.#byAddress.get(addressKey) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(addressKey, left);
    else this.#byAddress.delete(addressKey);
  }
}

function tooMany(text: string): Refusal {
  return retryLater(refusal('too-many-connections', text));
}
