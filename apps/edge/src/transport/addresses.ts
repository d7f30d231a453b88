import { clientAddress, type Networks, plainAddress } from '@halley/shared/ops';
import { keyOfBytes, keyOfText } from './address-keys.js';
import type { HttpRequest, HttpResponse } from './uws.js';

const decoder = new TextDecoder();

/** A socket of uWS or a response: it spells IPv6 with all its zeros, and IPv4 inside it as IPv6. */
interface Peered {
  getRemoteAddressAsText(): ArrayBuffer;
  getRemoteAddress(): ArrayBuffer;
}

/** Address of the other end of a socket as text. */
export function peerAddress(socket: Peered): string {
  const text = decoder.decode(socket.getRemoteAddressAsText());
  return plainAddress(text) ?? text;
}

/** The address as a number. @param forwarded as `AddressReader.forwarded` gave it */
export function addressKey(socket: Peered, forwarded: string | null): number {
  if (forwarded !== null) return keyOfText(forwarded);
  return keyOfBytes(new Uint8Array(socket.getRemoteAddress()));
}

/** Reads what proxies tell about the address of a client. */
export class AddressReader {
  readonly #trusted: Networks;

  constructor(trusted: Networks) {
    this.#trusted = trusted;
  }

  /**
   * To be called while the request is valid.
   * @returns null where the address is that of the socket: nothing is to be kept then
   */
  forwarded(response: HttpResponse, request: HttpRequest): string | null {
    if (this.#trusted.isEmpty) return null;
    const peer = peerAddress(response);
    if (!this.#trusted.includes(peer)) return null;
    const proxied = decoder.decode(response.getProxiedRemoteAddressAsText());
    const hops = { peer, proxied, forwardedFor: forwardedForOf(request) };
    const address = clientAddress(hops, this.#trusted);
    return address === peer ? null : address;
  }
}

/** All headers of the name: `getHeader` gives the first, which is the client's own if HAProxy added one. */
function forwardedForOf(request: HttpRequest): string {
  const values: string[] = [];
  request.forEach((name, value) => {
    if (name === 'x-forwarded-for') values.push(value);
  });
  return values.join(',');
}
