import { comparePositions, ORIGIN, type Position, type RawJson } from '@halley/shared/protocol';
import type { Mark } from '../../core/ports/marks.js';

type Seen = Mark['seen'];

/** A step forward in a channel: a message, or without data up to where some are missing. */
interface Step {
  readonly id: Position;
  readonly data: RawJson | null;
}

interface Row {
  readonly channel: string;
  /** Where it began; null until that is known. */
  begin: Position | null;
  readonly steps: Step[];
}

export interface Taken {
  /** Oldest first. */
  readonly messages: readonly RawJson[];
  /** Of the last message; null without one. */
  readonly last: Position | null;
  /** How far the channels are seen by whoever has these messages. */
  readonly seen: Seen;
  /** A channel has moved, be it without a message. */
  readonly hasMoved: boolean;
}

/** What comes from several channels until it is sent. */
export class Harvest {
  readonly #rows: readonly Row[];
  #bytes = 0;
  #hasMessages = false;

  /** @param seen where each channel begins, null where that is not known yet */
  constructor(seen: readonly (readonly [channel: string, position: Position | null])[]) {
    this.#rows = seen.map(([channel, begin]) => ({ channel, begin, steps: [] }));
  }

  get bytes(): number {
    return this.#bytes;
  }

  get hasMessages(): boolean {
    return this.#hasMessages;
  }

  get begin(): Seen {
    return this.#rows.map(({ channel, begin }) => [channel, begin ?? ORIGIN]);
  }

  beginAt(channel: string, position: Position): void {
    const row = this.#rowOf(channel);
    if (row !== undefined) row.begin = position;
  }

  /** @param prev position before the message, where it may be the first one */
  add(channel: string, id: Position, data: RawJson | null, prev: Position = id): void {
    const row = this.#rowOf(channel);
    if (row === undefined) return;
    row.begin ??= prev;
    row.steps.push({ id, data });
    if (data === null) return;
    this.#hasMessages = true;
    this.#bytes += data.length;
  }

  /** The oldest messages by their times; those of one channel in its order. */
  take(max: number): Taken {
    const next = this.#rows.map(() => 0);
    const messages: RawJson[] = [];
    let last: Position | null = null;
    while (messages.length < max) {
      const at = this.#oldest(next);
      const step = this.#rows[at]?.steps[next[at] ?? 0];
      if (step === undefined) break;
      next[at] = (next[at] ?? 0) + 1;
      if (step.data === null) continue;
      messages.push(step.data);
      last = step.id;
    }
    const seen: Seen = this.#rows.map(({ channel, begin, steps }, at) => [
      channel,
      steps[(next[at] ?? 0) - 1]?.id ?? begin ?? ORIGIN,
    ]);
    return { messages, last, seen, hasMoved: next.some((count) => count > 0) };
  }

  /** Which channel's next step is the oldest; -1 where there is none. */
  #oldest(next: readonly number[]): number {
    let oldest = -1;
    let oldestId: Position | null = null;
    for (const [at, { steps }] of this.#rows.entries()) {
      const id = steps[next[at] ?? 0]?.id;
      if (id === undefined) continue;
      if (oldestId !== null && comparePositions(id, oldestId) >= 0) continue;
      oldest = at;
      oldestId = id;
    }
    return oldest;
  }

  #rowOf(channel: string): Row | undefined {
    return this.#rows.find((row) => row.channel === channel);
  }
}
