/** What happened in a run, in the order in which it was seen. Times are `performance.now()`, ms. */

import type { Position } from '@halley/shared/protocol';

/** A channel, or a client's queue: no channel's name can begin so. */
export type Stream = string;
const QUEUE_PREFIX = '@queue:';

export function queueOf(clientId: string): Stream {
  return QUEUE_PREFIX + clientId;
}

/** @returns null for a channel */
export function clientOfQueue(stream: Stream): string | null {
  return stream.startsWith(QUEUE_PREFIX) ? stream.slice(QUEUE_PREFIX.length) : null;
}

/** A publish that is over. `unknown`: all repeats with its key ended without an answer. */
export interface Publication {
  readonly kind: 'published';
  /** When its outcome was known. */
  readonly at: number;
  readonly sentAt: number;
  readonly stream: Stream;
  /** Its data: names the message in the whole run. */
  readonly number: string;
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  /** Of an accepted one. */
  readonly id?: Position;
  readonly attempts: number;
}

interface OfSubscriber {
  readonly at: number;
  readonly subscriber: string;
  /** Counts the subscriber's connections; always 0 where a library hides them. */
  readonly connection: number;
}

export interface Connected extends OfSubscriber {
  readonly kind: 'connected';
  readonly edgeId: string;
  readonly clientId?: string | undefined;
}

export interface Disconnected extends OfSubscriber {
  readonly kind: 'disconnected';
  readonly why: string;
}

export interface Subscribed extends OfSubscriber {
  readonly kind: 'subscribed';
  readonly stream: Stream;
  /** The position that was shown. */
  readonly after: Position | null;
  readonly position: Position;
  readonly recovered?: boolean | undefined;
}

export interface Received extends OfSubscriber {
  readonly kind: 'received';
  readonly stream: Stream;
  readonly id: Position;
  readonly number: string;
}

export interface GapTold extends OfSubscriber {
  readonly kind: 'gap';
  readonly stream: Stream;
  readonly position: Position;
}

/** It went for good, by its own will: what comes later is not for it. */
export interface Left extends OfSubscriber {
  readonly kind: 'left';
}

/** A frame or a request of it was refused by a code that no waiting helps against. */
export interface Refused extends OfSubscriber {
  readonly kind: 'refused';
  readonly code: string;
}

export interface FaultMark {
  readonly kind: 'fault';
  readonly at: number;
  readonly name: string;
  readonly phase: 'begin' | 'end';
  /** Nothing happened to Redis or to the way to it. */
  readonly isOutsideRedis: boolean;
}

/** The edges that hold a client, or the members of a channel: as it is, and as Halley says. */
export interface PresenceSample {
  readonly kind: 'presence';
  readonly at: number;
  readonly of: string;
  readonly expected: readonly string[];
  readonly seen: readonly string[];
}

export type OfStream = Subscribed | Received | GapTold;
export type Entry =
  | Publication
  | Connected
  | Disconnected
  | OfStream
  | Left
  | Refused
  | FaultMark
  | PresenceSample;

type Untimed<E> = E extends Entry ? Omit<E, 'at'> : never;

export class History {
  readonly #entries: Entry[] = [];
  readonly #watchers = new Set<() => void>();

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  add(entry: Untimed<Entry>): void {
    this.#entries.push({ ...entry, at: performance.now() } as Entry);
    for (const watcher of this.#watchers) watcher();
  }

  /** @returns takes the watcher off again */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  of<K extends Entry['kind']>(kind: K): Extract<Entry, { kind: K }>[] {
    return this.#entries.filter(
      (entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind,
    );
  }
}
