import type { Connection } from '../core/ports/connection.js';
import type { WebSocket } from './uws.js';

const decoder = new TextDecoder();

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

  constructor(admission: A) {
    this.admission = admission;
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
    return this.#socket === null ? '' : decoder.decode(this.#socket.getRemoteAddressAsText());
  }
}
