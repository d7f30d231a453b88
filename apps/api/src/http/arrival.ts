/** Where a request comes from, for paths that ask for an address and not for a key. */

import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { type Hops, plainAddress } from '@halley/shared/ops';

export interface Arrival extends Hops {
  /** A header says that a proxy has passed it on. */
  readonly isForwarded: boolean;
  /** `Sec-Fetch-Site` of a browser; '' without. */
  readonly fetchSite: string;
}

const FORWARDING_HEADERS: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-real-ip',
]);

const decoder = new TextDecoder();

/** To be called while the request is valid. */
export function readArrival(response: HttpResponse, request: HttpRequest): Arrival {
  const told: string[] = [];
  let isForwarded = false;
  // All headers of the name: `getHeader` gives the first, which is the client's own where a proxy added one.
  request.forEach((name, value) => {
    if (FORWARDING_HEADERS.has(name)) isForwarded = true;
    if (name === 'x-forwarded-for') told.push(value);
  });
  const peer = decoder.decode(response.getRemoteAddressAsText());
  return {
    peer: plainAddress(peer) ?? peer,
    proxied: decoder.decode(response.getProxiedRemoteAddressAsText()),
    forwardedFor: told.join(','),
    isForwarded,
    fetchSite: request.getHeader('sec-fetch-site'),
  };
}
