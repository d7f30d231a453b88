import {
  comparePositions,
  frameOf,
  type LogEntry,
  type LogView,
  type Position,
} from '@halley/shared/protocol';

/** A message with its finished native frame. */
export interface StreamItem {
  readonly id: Position;
  readonly prev: Position;
  readonly frame: string | Uint8Array;
}

/** Messages and bytes that a quiet copy keeps; a reconnect of few clients then reads nothing. */
const KEPT_MAX_ITEMS = 16;
const KEPT_MAX_BYTES = 16_384;
/** How long what was read from the log serves further resumes. */
const SERVES_RESUMES_MS = 10_000;
/** Bytes beyond which even a resume under way is given up: it is told so, and starts anew. */
const SERVING_MAX_BYTES = 8 * 1_048_576;

/**
 * An edge's copy of the end of a stream: an unbroken chain of messages up to the newest that was given
 * out. Kept short, but for the time in which resumes are served from it.
 */
export class Tail {
  #items: StreamItem[] = [];
  #bytes = 0;
  /** Set while the copy begins where the log began: then what is not in it is not in the log. */
  #whole: LogView | null = null;
  #cut: Position | null = null;
  #neededUntilMs = 0;

  get items(): readonly StreamItem[] {
    return this.#items;
  }

  get whole(): LogView | null {
    return this.#whole;
  }

  /** The cut of the log, as it was last read. */
  get cut(): Position | null {
    return this.#cut;
  }

  /** Nothing up to here may be proved whole by what follows it. */
  cutAt(position: Position): void {
    this.#cut = position;
  }

  /** @param keepsAll a read is under way, and what it gives must find its continuation here */
  push(item: StreamItem, keepsAll: boolean): void {
    this.#items.push(item);
    this.#bytes += item.frame.length;
    if (keepsAll) return;
    if (this.#neededUntilMs === 0 || this.#bytes > SERVING_MAX_BYTES) this.#trim();
  }

  clear(): void {
    this.#items = [];
    this.#bytes = 0;
    this.#whole = null;
  }

  includes(id: Position): boolean {
    return this.#items.some((item) => item.id === id);
  }

  /** What follows a position, or null if this copy cannot tell. */
  after(position: Position): readonly StreamItem[] | null {
    const [first] = this.#items;
    if (first?.prev === position) return this.#items;
    // From the end: most who come back have missed little.
    for (let index = this.#items.length - 1; index >= 0; index -= 1) {
      if (this.#items[index]?.id === position) return this.#items.slice(index + 1);
    }
    return null;
  }

  /**
   * Puts what was read before this copy; what lies above `high` has not been given out yet and will
   * come live.
   * @param keepsOlder what stands here before that is still needed
   * @returns false if the two do not fit together
   */
  prepend(view: LogView, head: string, high: Position, keepsOlder: boolean): boolean {
    const read = view.entries.filter((entry) => comparePositions(entry.id, high) <= 0);
    const last = read.at(-1);
    const newer =
      last === undefined
        ? this.#items
        : this.#items.filter((item) => comparePositions(item.id, last.id) > 0);
    if (last !== undefined && newer[0] !== undefined && newer[0].prev !== last.id) return false;
    const older = keepsOlder ? this.#before(read[0]) : [];
    this.#items = [...older, ...read.map((entry) => itemOf(entry, head)), ...newer];
    this.#bytes = this.#items.reduce((sum, item) => sum + item.frame.length, 0);
    this.#whole = view.found ? null : view;
    this.#cut = view.cut;
    this.#neededUntilMs = Date.now() + SERVES_RESUMES_MS;
    return true;
  }

  /** What stands here before a message that follows it; nothing if that would leave a hole. */
  #before(entry: LogEntry | undefined): readonly StreamItem[] {
    if (entry === undefined) return [];
    const older = this.#items.filter((item) => comparePositions(item.id, entry.id) < 0);
    return older.at(-1)?.id === entry.prev ? older : [];
  }

  /** Back to the kept size, once a storm is over. @returns false if it says nothing any more */
  settle(nowMs: number): boolean {
    if (nowMs >= this.#neededUntilMs) {
      this.#neededUntilMs = 0;
      this.#trim();
    }
    return this.#items.length > 0 || this.#cut !== null;
  }

  #trim(): void {
    let drop = 0;
    while (this.#items.length - drop > KEPT_MAX_ITEMS || this.#bytes > KEPT_MAX_BYTES) {
      const item = this.#items[drop];
      if (item === undefined) break;
      this.#bytes -= item.frame.length;
      drop += 1;
    }
    if (drop > 0) this.#items.splice(0, drop);
    this.#whole = null;
  }
}

export function itemOf(entry: LogEntry, head: string): StreamItem {
  return { id: entry.id, prev: entry.prev, frame: frameOf(head, entry.id, entry.body) };
}
