import type { Connection } from '../core/ports/connection.js';
import { peerAddress } from './addresses.js';
import type { WebSocket } from './uws.js';

/** What uWS keeps for us beside each socket: one reference. */
export interface SocketData<A, S> {
  readonly link: UwsConnection<A, S>;
}

/** A socket of uWS. Its handle must not be touched after the close, so it is let go of there. */
export class UwsConnection<A, S> implements Connection {
  #socket: WebSocket<SocketData<A, S>> | null = null;
  /** What was admitted, until the session has taken it over. */
  admission: A | null;
  session: S | null = null;
  /** Only where a trusted proxy told it; else it is asked of the socket. */
  readonly #forwarded: string | null;
  readonly addressKey: number;

  /** @param key of the address, as `addressKey` gave it: uWS makes a buffer for each question */
  constructor(admission: A, forwarded: string | null, key: number) {
    this.admission = admission;
    this.#forwarded = forwarded;
    this.addressKey = key;
  }

  attach(socket: WebSocket<SocketData<A, S>>): void {
    this.#socket = socket;
  }

  detach(): void {
    this.#socket = null;
  }

  write(bytes: string | Uint8Array): void {
    this.#socket?.send(bytes, false, false);
  }

  follow(topic: string): void {
    this.#socket?.subscribe(topic);
  }

  unfollow(topic: string): void {
    this.#socket?.unsubscribe(topic);
  }

  end(close: number, reason: string): void {
    const socket = this.#socket;
    // A close frame carries at most 123 bytes of reason.
    socket?.end(close, reason.slice(0, 120));
  }

  bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  address(): string {
    if (this.#socket === null) return '';
    return this.#forwarded ?? peerAddress(this.#socket);
  }
}
