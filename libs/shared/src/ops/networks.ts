/** Sets of addresses, and whose word on the address of a client counts. */

import { BlockList, isIP } from 'node:net';

const BITS = { 4: 32, 6: 128 } as const;

/** An IP address, or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (rest.length > 0 || (family !== 4 && family !== 6)) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= BITS[family]);
}

export class Networks {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  /** @param networks as `isNetwork` takes them */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  includes(address: string): boolean {
    if (this.isEmpty) return false;
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }
}

/** What a request says about where it comes from. */
export interface Hops {
  /** The other end of the socket. */
  readonly peer: string;
  /** As the PROXY protocol has it; '' without. */
  readonly proxied: string;
  /** `X-Forwarded-For`; '' without. */
  readonly forwardedFor: string;
}

/**
 * The address of the client. Anybody can send a PROXY line or a header, so each hop counts only as far as
 * the one that told it is trusted: the nearest address that is no trusted proxy is the client's.
 */
export function clientAddress({ peer, proxied, forwardedFor }: Hops, trusted: Networks): string {
  if (!trusted.includes(peer)) return peer;
  const told = forwardedFor === '' ? [] : forwardedFor.split(',').map((hop) => hop.trim());
  if (proxied !== '') told.push(proxied);
  let nearest = peer;
  for (const hop of told.reverse()) {
    if (isIP(hop) === 0) break;
    nearest = hop;
    if (!trusted.includes(hop)) break;
  }
  return nearest;
}
