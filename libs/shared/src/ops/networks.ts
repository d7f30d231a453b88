/** Sets of addresses, and whose word on the address of a client counts. */

import { BlockList, isIP, SocketAddress } from 'node:net';

const BITS = { ipv4: 32, ipv6: 128 } as const;
/** An IPv4 address as IPv6 sockets show it, in the spelling of `SocketAddress`. */
const MAPPED = '::ffff:';
const MAPPED_BITS = 96;
/**
 * Proxies that may stand one behind the other. A longer chain is read no further: each hop costs a
 * look-up, and a header of 16 KiB has room for thousands.
 */
const HOPS_MAX = 16;
/** With a port, as some load balancers write it, or in brackets. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/;

/** An IP address, or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  return networkOf(text) !== null;
}

/**
 * An address in its one spelling: IPv6 in short, without a zone, and IPv4 as such where IPv6 wraps it.
 * Null where the text is no address. Never a part of a longer text, which would be kept alive with it.
 */
export function plainAddress(text: string): string | null {
  return parse(text)?.address ?? null;
}

export class Networks {
  /** Apart, since in one list `::/0` would hold all of IPv4 too. */
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  readonly isEmpty: boolean;

  /**
   * @param networks as `isNetwork` takes them
   * @throws RangeError that names what is no network
   */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const text of networks) {
      const network = networkOf(text);
      if (network === null) throw new RangeError(`${text} is no network`);
      const { base, bits } = network;
      this.#lists[base.family].addSubnet(base, bits);
    }
  }

  includes(address: string): boolean {
    if (this.isEmpty) return false;
    const parsed = parse(address);
    return parsed !== null && this.#lists[parsed.family].check(parsed);
  }
}

/** What a request says about where it comes from. */
export interface Hops {
  /** The other end of the socket. */
  readonly peer: string;
  /** As the PROXY protocol has it; '' without. */
  readonly proxied: string;
  /** `X-Forwarded-For`, of several headers all, in their order; '' without. */
  readonly forwardedFor: string;
}

/**
 * The address of the client, as `plainAddress` spells it. Anybody can send a PROXY line or a header, so
 * each hop counts only as far as the one that told it is trusted: the nearest address that is no trusted
 * proxy is the client's.
 */
export function clientAddress({ peer, proxied, forwardedFor }: Hops, trusted: Networks): string {
  let nearest = plainAddress(peer) ?? peer;
  if (!trusted.includes(nearest)) return nearest;
  for (const told of nearestFirst(proxied, forwardedFor)) {
    const hop = hopAddress(told);
    if (hop === null) break;
    nearest = hop;
    if (!trusted.includes(hop)) break;
  }
  return nearest;
}

/** One hop of `X-Forwarded-For` as `plainAddress` has it, whose port is left off; null where it is none. */
export function hopAddress(told: string): string | null {
  return plainAddress(withoutPort(told));
}

/** At most `HOPS_MAX`, as they are written. */
function* nearestFirst(proxied: string, forwardedFor: string): Generator<string> {
  if (proxied !== '') yield proxied;
  if (forwardedFor === '') return;
  let end = forwardedFor.length;
  for (let hops = proxied === '' ? 0 : 1; hops < HOPS_MAX && end >= 0; hops += 1) {
    const comma = end === 0 ? -1 : forwardedFor.lastIndexOf(',', end - 1);
    yield forwardedFor.slice(comma + 1, end).trim();
    end = comma;
  }
}

function withoutPort(hop: string): string {
  const match = WITH_PORT.exec(hop);
  return match?.[1] ?? match?.[2] ?? hop;
}

function parse(text: string): SocketAddress | null {
  const family = isIP(text);
  if (family === 0) return null;
  if (family === 4) return new SocketAddress({ address: text, family: 'ipv4' });
  const parsed = new SocketAddress({ address: text, family: 'ipv6' });
  const inner = parsed.address.startsWith(MAPPED) ? parsed.address.slice(MAPPED.length) : '';
  return isIP(inner) === 4 ? new SocketAddress({ address: inner, family: 'ipv4' }) : parsed;
}

function networkOf(text: string): { readonly base: SocketAddress; readonly bits: number } | null {
  const [address = '', bitsText, ...rest] = text.split('/');
  // A zone names a link of one machine and has no meaning in a set of addresses.
  const base = address.includes('%') ? null : parse(address);
  if (base === null || rest.length > 0) return null;
  const isMapped = base.family === 'ipv4' && isIP(address) === 6;
  const most = BITS[base.family];
  if (bitsText === undefined) return { base, bits: most };
  if (!/^\d{1,3}$/.test(bitsText)) return null;
  const bits = Number(bitsText) - (isMapped ? MAPPED_BITS : 0);
  return bits >= 0 && bits <= most ? { base, bits } : null;
}
