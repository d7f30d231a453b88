import type { Position, ServerFrame } from '@halley/shared/protocol';
import type { StreamItem } from '../tail.js';
import type { Wire } from './wire.js';

/** What the core needs of a socket, whatever wire it speaks. */
export interface Connection {
  /** Queues bytes for the peer. Never throws: on a connection that is gone it does nothing. */
  write(bytes: string | Uint8Array): void;
  /** Takes part in the fan-out of a topic, from the next published message on. */
  follow(topic: string): void;
  unfollow(topic: string): void;
  /** Sends what is queued, then closes with this code. */
  end(close: number, reason: string): void;
  /** Bytes that were written and not yet taken by the kernel. */
  bufferedBytes(): number;
  /** Address of the peer as text. */
  address(): string;
  /** The address as a number of 32 bits, for counting: of IPv6 its /64. */
  readonly addressKey: number;
}

/** Hands something to every connection that follows a topic; encoded once per wire. */
export interface Fanout {
  publish(topic: string, item: StreamItem): void;
  tell(topic: string, frame: ServerFrame): void;
  /** A native frame that was finished in Redis and is not stored. */
  relay(topic: string, frame: Uint8Array): void;
}

/** Takes part in a fan-out by itself, since no topic of the transport reaches it. */
export interface Follower {
  /** In what is delivered; the same object for all followers that can share the bytes. */
  readonly fanoutWire: Wire;
  /** @param position of the message, or up to which a gap reaches; null for anything else */
  deliver(topic: string, bytes: string | Uint8Array, position: Position | null): void;
}
