import type { Position, ServerFrame } from '@halley/shared/protocol';
import { type Few, fewOf, itemsOf } from '../../core/few.js';
import type { StreamItem } from '../../core/tail.js';
import { type Cursor, formatCursor } from './cursor.js';
import { channelOfItem, positionAfter } from './encode.js';

/** How far one channel has been seen. */
interface Seen {
  channel: string;
  position: Position | null;
}

/** How far a connection has seen each of its channels and its queue, told by what is written to it. */
export class Progress {
  readonly #seen: Few<Seen>;
  #queue: Position | null;

  /** @param cursor what the client has shown */
  constructor(channels: readonly string[], cursor: Cursor | null) {
    const seen = channels.map((channel, index) => ({
      channel,
      position: cursor?.channels[index] ?? null,
    }));
    this.#seen = fewOf(seen);
    this.#queue = cursor?.queue ?? null;
  }

  get channelCount(): number {
    return itemsOf(this.#seen).length;
  }

  get queue(): Position | null {
    return this.#queue;
  }

  get cursor(): string {
    const channels = itemsOf(this.#seen).map(({ position }) => position);
    return formatCursor({ channels, queue: this.#queue });
  }

  noteFrame(frame: ServerFrame): void {
    if (frame.type === 'welcome') {
      if (frame.queue !== undefined && frame.queue.replayed === undefined) {
        this.#queue = frame.queue.position;
      }
    } else if (frame.type === 'gap' && frame.channel === undefined) {
      this.#queue = frame.position;
    } else if (frame.type === 'subscribed' || frame.type === 'gap') {
      const position = positionAfter(frame);
      if (position !== null && frame.channel !== undefined) this.note(frame.channel, position);
    }
  }

  noteItem(item: StreamItem): void {
    const channel = channelOfItem(item);
    if (channel === null) this.#queue = item.id;
    else this.note(channel, item.id);
  }

  note(channel: string, position: Position): void {
    const seen = this.#find(channel);
    if (seen !== undefined) seen.position = position;
  }

  /** Keeps this copy of a name in place of its own: all connections that hold the channel share it. */
  share(channel: string): void {
    const seen = this.#find(channel);
    if (seen !== undefined) seen.channel = channel;
  }

  #find(channel: string): Seen | undefined {
    return itemsOf(this.#seen).find((seen) => seen.channel === channel);
  }
}
