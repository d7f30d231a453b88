import { clientAddress, hopAddress, type Networks } from '@halley/shared/ops';
import type { Arrival } from '../../http/arrival.js';

/**
 * Who may use the admin paths: an address decides. Where the address cannot be known for sure, nobody may:
 * a proxy that no setting names would make the whole world count as 127.0.0.1.
 */
export class Access {
  readonly #allowed: Networks;
  readonly #trusted: Networks;

  constructor(allowed: Networks, trusted: Networks) {
    this.#allowed = allowed;
    this.#trusted = trusted;
  }

  admits(arrival: Arrival): boolean {
    // A page of the web must not push by the browser of somebody who may.
    if (arrival.fetchSite === 'cross-site') return false;
    const address = this.#addressOf(arrival);
    return address !== null && this.#allowed.includes(address);
  }

  /** Null where it is not known. */
  #addressOf(arrival: Arrival): string | null {
    const { peer, proxied, forwardedFor, isForwarded } = arrival;
    if (!this.#trusted.includes(peer)) return isForwarded || proxied !== '' ? null : peer;
    // The client is named in a header that is not read.
    if (isForwarded && forwardedFor === '') return null;
    if (forwardedFor !== '' && !forwardedFor.split(',').every(isHop)) return null;
    return clientAddress(arrival, this.#trusted);
  }
}

function isHop(told: string): boolean {
  return hopAddress(told.trim()) !== null;
}
