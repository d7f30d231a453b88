import type { Position, ServerFrame } from '@halley/shared/protocol';
import type { StreamItem } from '../../core/tail.js';
import { type Cursor, formatCursor } from './cursor.js';
import { channelOfItem, positionAfter } from './encode.js';

/** How far a connection has seen each of its channels and its queue, told by what is written to it. */
export class Progress {
  readonly #channels: readonly string[];
  readonly #positions: (Position | null)[];
  #queue: Position | null;

  /** @param seen what the client has shown */
  constructor(channels: readonly string[], seen: Cursor | null) {
    this.#channels = channels;
    this.#positions = channels.map((_, index) => seen?.channels[index] ?? null);
    this.#queue = seen?.queue ?? null;
  }

  get channelCount(): number {
    return this.#channels.length;
  }

  get queue(): Position | null {
    return this.#queue;
  }

  get cursor(): string {
    return formatCursor({ channels: this.#positions, queue: this.#queue });
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
    const index = this.#channels.indexOf(channel);
    if (index !== -1) this.#positions[index] = position;
  }
}
