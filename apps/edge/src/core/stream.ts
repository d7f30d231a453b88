import {
  comparePositions,
  type GapFrame,
  isEmptyPosition,
  type LogView,
  ORIGIN,
  type Position,
  positionOf,
  RefusedError,
  refusal,
  type ServerFrame,
} from '@halley/shared/protocol';
import { continues, decide, isRolledBack } from './recovery.js';
import { type Listener, Replays } from './replays.js';
import { type Announce, type Start, shown, startFromTail, startFromView } from './start.js';
import { itemOf, type StreamItem, Tail } from './tail.js';

export interface LiveMessage {
  readonly prev: Position;
  readonly id: Position;
  /** Only valid during the call. */
  readonly frame: Uint8Array;
}

interface Resume {
  readonly listener: Listener;
  readonly after: Position;
  readonly announce: Announce;
  settle(): void;
  fail(error: unknown): void;
}

/** What a stream keeps while something is under way. */
class Work {
  /** Set while live messages wait: until the high water is known, and while a hole is filled. */
  pending: StreamItem[] | null;
  pendingBytes = 0;
  /** Something was missed while a hole was being filled: look once more. */
  fillAgain = false;
  resumes: Resume[] | null = null;
  /** Reads under way; what comes live meanwhile has to stay in the tail. */
  reads = 0;
  loading: Promise<void> | null = null;
  replays: Replays | null = null;
  /** Times that the log was cleared; only compared over a read. */
  clears = 0;

  constructor(pending: StreamItem[] | null) {
    this.pending = pending;
  }

  get isDone(): boolean {
    const isIdle = this.pending === null && this.loading === null && this.resumes === null;
    return isIdle && this.reads === 0 && !this.fillAgain && this.replays?.isPaused !== true;
  }
}

/** Live bytes that may wait for a hole to be filled; what is beyond is read from the log again. */
const PENDING_MAX_BYTES = 4 * 1_048_576;
const RETRY_MS = 1_000;

/**
 * One stream as an edge has it. `position` is the high water: every message up to it has been given to
 * those who joined. A resume replays up to it, and what lies above comes live: nobody misses, repeats,
 * or waits for somebody else.
 */
export abstract class Stream {
  #high: Position = ORIGIN;
  #tail: Tail | null = null;
  /** Null while nothing is under way: most streams are quiet, and there are very many. */
  #work: Work | null = new Work([]);

  /** Text of this stream's native frames up to the id. */
  protected abstract readonly frameHead: string;
  /** Messages older than this are not shown to those who start anew, ms. */
  abstract readonly ageMs: number;
  /** Messages older than `ageMs` are not replayed to anybody. */
  abstract readonly isStrictOnAge: boolean;
  /** Bytes that a replay may leave waiting for its reader. */
  protected abstract readonly replayAheadBytes: number;
  /** Keeps a short tail even when nobody resumes. */
  protected abstract readonly keepsTail: boolean;
  protected abstract view(after: Position | null): Promise<LogView>;
  protected abstract deliver(item: StreamItem): void;
  protected abstract join(listener: Listener): void;
  protected abstract tellJoined(frame: ServerFrame): void;
  /** Messages were lost or replaced up to here. */
  protected abstract gapFrame(position: Position): GapFrame;
  /** Redis has lost messages that this edge gave out. @param cut what is up to there is not whole */
  protected abstract rolledBack(cut: Position): void;
  protected abstract readFailed(error: unknown): void;
  protected abstract later(delayMs: number, callback: () => void): void;

  get position(): Position {
    return this.#high;
  }

  get isOpen(): boolean {
    return this.#high !== ORIGIN;
  }

  /** The high water is known: what has waited is given out. */
  protected open(high: Position): void {
    this.#high = high;
    this.#release();
  }

  onLive({ prev, id, frame }: LiveMessage): void {
    const item = { prev, id, frame: Uint8Array.prototype.slice.call(frame) };
    const pending = this.#pending;
    if (pending !== null) this.#wait(pending, item);
    else this.#take(item);
  }

  /** After messages may have been missed. @param top as Redis has it */
  repair(top: Position | null): void {
    if (top === this.#high || (top === null && isEmptyPosition(this.#high))) return;
    this.#surely(this.refill());
  }

  /**
   * Reads what Redis has after the high water and gives it out. Where a read is under way another one
   * follows, which is not waited for. @throws whatever the read throws: then it is to be called again
   */
  async refill(): Promise<void> {
    if (this.#pending === null) await this.#fill([]);
    else if (this.isOpen) this.#busy.fillAgain = true;
  }

  /** The log was cleared: nothing of it may be replayed any more. */
  forget(): void {
    if (this.#work !== null) this.#work.clears += 1;
    this.#tail?.clear();
  }

  beginHere(listener: Listener, announce: Announce): void {
    this.#begin(listener, announce, { position: this.#high, items: [] });
  }

  /** Resolves when the listener has started. */
  beginAfter(listener: Listener, after: Position, announce: Announce): Promise<void> {
    const known = this.#isAhead(after) ? null : startFromTail(this.#tail, this.#high, after, this);
    if (known !== null) {
      this.#begin(listener, announce, known);
      return Promise.resolve();
    }
    return new Promise((settle, fail) => {
      const work = this.#busy;
      work.resumes ??= [];
      work.resumes.push({ listener, after, announce, settle, fail });
      if (work.loading === null) void this.#load();
    });
  }

  /** Starts a listener with the last `count` messages. Resolves when it has started. */
  async beginBefore(listener: Listener, count: number, announce: Announce): Promise<void> {
    while (!this.#holdsLast(count)) {
      const loading = this.#work?.loading ?? null;
      if (loading === null) await this.#read(null);
      else await loading;
    }
    const items = shown(this.#tail?.items ?? [], Date.now(), this.ageMs);
    const last = count === 0 ? [] : items.slice(-count);
    this.#begin(listener, announce, { position: this.#high, items: last });
  }

  /**
   * Starts a listener by a view that was read for it while `keepDuring` held the tail; the first view
   * opens the stream.
   */
  protected beginFrom(
    listener: Listener,
    view: LogView,
    after: Position | null,
    announce: Announce,
  ): void {
    const isFirst = !this.isOpen;
    if (isFirst) this.#high = positionOf(view.top, view.nowMs);
    const tail = this.#adopt(view);
    if (after === null) {
      const { items } = startFromView(tail, this.#high, this.#beginOf(view), view, this);
      this.#begin(listener, announce, { position: this.#high, items });
    } else {
      this.#begin(listener, announce, startFromView(tail, this.#high, after, view, this));
    }
    if (isFirst) this.#release();
  }

  /** A listener may have seen more than this edge: what it saw is given to the others first. */
  protected async catchUp(position: Position): Promise<void> {
    if (this.isOpen && this.#isAhead(position)) this.#adopt(await this.view(this.#high));
  }

  /** After which position a view begins: the tail may hold more, which somebody else needs. */
  #beginOf({ found, entries, top }: LogView): Position {
    const begin = found ? (entries[0]?.prev ?? top ?? ORIGIN) : ORIGIN;
    return this.#isAhead(begin) ? this.#high : begin;
  }

  /** Keeps what comes live in the tail while `read` is under way. */
  protected async keepDuring<T>(read: () => Promise<T>): Promise<T> {
    const work = this.#busy;
    work.reads += 1;
    try {
      return await read();
    } finally {
      work.reads -= 1;
      this.#rest();
    }
  }

  /** A listener that was congested has room again. */
  resumeReplay(listener: Listener): void {
    const position = this.#work?.replays?.take(listener) ?? null;
    if (position === null) return;
    const items = position === this.#high ? [] : (this.#tail?.after(position) ?? null);
    if (items === null) listener.send(this.gapFrame(this.#high));
    this.#replay(listener, items ?? []);
  }

  abandon(listener: Listener): void {
    this.#work?.replays?.take(listener);
  }

  /** Called now and then: lets go of what no resume needs any more. */
  settle(nowMs: number): void {
    this.#rest();
    if (this.#needsTail || this.#tail === null) return;
    if (!this.keepsTail || !this.#tail.settle(nowMs)) this.#tail = null;
  }

  get #busy(): Work {
    this.#work ??= new Work(null);
    return this.#work;
  }

  get #pending(): StreamItem[] | null {
    return this.#work === null ? null : this.#work.pending;
  }

  #rest(): void {
    if (this.#work?.isDone === true) this.#work = null;
  }

  /** The tail must not lose anything now: it is about to be joined with what is being read. */
  get #isReading(): boolean {
    return this.#work !== null && (this.#work.reads > 0 || this.#work.pending !== null);
  }

  get #needsTail(): boolean {
    return this.#isReading || this.#work?.replays?.isPaused === true;
  }

  /** This edge has not seen the message yet, if it is one: what it holds says nothing about it. */
  #isAhead(position: Position): boolean {
    return comparePositions(position, this.#high) > 0;
  }

  #begin(listener: Listener, announce: Announce, start: Start): void {
    if (listener.isGone || !announce(start)) return;
    this.#replay(listener, start.items);
  }

  #replay(listener: Listener, items: readonly StreamItem[]): void {
    if (items.length > 0) this.#busy.replays ??= new Replays(this.replayAheadBytes);
    if (this.#work?.replays?.run(listener, items) !== false) this.join(listener);
  }

  #take(item: StreamItem): void {
    if (comparePositions(item.id, this.#high) <= 0) {
      // A second copy; or Redis went back in time and gives out ids below the high water.
      if (item.id !== this.#high && this.#tail?.includes(item.id) !== true)
        this.#surely(this.#fill([]));
    } else if (continues(this.#high, item.prev)) {
      this.#give(item);
    } else {
      this.#surely(this.#fill([item]));
    }
  }

  #give(item: StreamItem): void {
    this.#high = item.id;
    if (this.keepsTail || this.#needsTail) {
      this.#tail ??= new Tail();
      this.#tail.push(item, this.#isReading);
    } else {
      // A copy that lacks a message would prove positions that are not whole.
      this.#tail = null;
    }
    this.deliver(item);
  }

  #wait(pending: StreamItem[], item: StreamItem): void {
    const work = this.#busy;
    work.pendingBytes += item.frame.length;
    if (work.pendingBytes <= PENDING_MAX_BYTES) pending.push(item);
    else work.fillAgain = true;
  }

  #release(): void {
    const waiting = this.#pending ?? [];
    this.#endWait();
    for (const item of waiting) {
      // One of them may have shown a hole: then the rest waits again.
      const pending = this.#pending;
      if (pending === null) this.#take(item);
      else this.#wait(pending, item);
    }
    if (this.#pending === null && this.#work?.fillAgain === true) this.#surely(this.#fill([]));
    this.#rest();
  }

  #endWait(): void {
    if (this.#work === null) return;
    this.#work.pending = null;
    this.#work.pendingBytes = 0;
  }

  /** Live messages wait until everything up to Redis' top has been given out. */
  #fill(waiting: StreamItem[]): Promise<void> {
    const work = this.#busy;
    work.pending = waiting;
    work.fillAgain = false;
    return this.view(this.#high).then(
      (view) => {
        this.#mend(view);
        this.#release();
      },
      (error: unknown) => {
        this.readFailed(error);
        this.#endWait();
        throw error;
      },
    );
  }

  /** Where a read fails, everything is read again later. */
  #surely(reading: Promise<void>): void {
    reading.catch(() => this.later(RETRY_MS, () => this.#surely(this.refill())));
  }

  #mend(view: LogView): void {
    const { recovered, entries } = decide(this.#high, view);
    const isLost = !recovered && isRolledBack(this.#high, view);
    // After a roll-back only what is newer than all that was given out has surely not been.
    const fresh = isLost ? entries.filter(({ id }) => this.#isAhead(id)) : entries;
    if (!recovered) {
      this.#tail = null;
      this.#high = fresh[0]?.prev ?? positionOf(view.top, view.nowMs);
      if (isLost) {
        this.#tail = new Tail();
        this.#tail.cutAt(this.#high);
        this.rolledBack(this.#high);
      }
      this.tellJoined(this.gapFrame(this.#high));
    }
    for (const entry of fresh) this.#give(itemOf(entry, this.frameHead));
  }

  /**
   * One read for all who wait, and one after it for those who came meanwhile or whose position the first
   * could not prove: that one reads the whole log, which answers everybody.
   */
  async #load(from?: Position | null): Promise<void> {
    const [first, ...others] = this.#work?.resumes ?? [];
    if (first === undefined) return;
    // Who is ahead of this edge cannot be served by what follows its position.
    const isAlone = others.length === 0 && !this.#isAhead(first.after);
    const asked = new Set([first, ...others]);
    try {
      await this.#read(from === undefined && isAlone ? first.after : null);
    } catch (error) {
      for (const resume of this.#takeResumes()) resume.fail(error);
    }
    for (const resume of this.#takeResumes()) this.#serve(resume, asked.has(resume));
    void this.#load(null);
  }

  #takeResumes(): Resume[] {
    const resumes = this.#work?.resumes ?? [];
    if (this.#work !== null) this.#work.resumes = null;
    return resumes;
  }

  /** @param wasAsked it waited before the read began, so the read knows all that its client has seen */
  #serve(resume: Resume, wasAsked: boolean): void {
    try {
      const start =
        wasAsked || !this.#isAhead(resume.after)
          ? startFromTail(this.#tail, this.#high, resume.after, this)
          : null;
      if (start === null) {
        const work = this.#busy;
        work.resumes ??= [];
        work.resumes.push(resume);
        return;
      }
      this.#begin(resume.listener, resume.announce, start);
      resume.settle();
    } catch (error) {
      resume.fail(error);
    }
  }

  #read(after: Position | null): Promise<Tail> {
    const work = this.#busy;
    const reading = this.keepDuring(async () => {
      const { clears } = work;
      let view = await this.view(after);
      // It may have been read before the log was cleared.
      if (clears !== work.clears) view = await this.view(after);
      return this.#adopt(view);
    });
    const done = () => {
      work.loading = null;
      this.#rest();
    };
    work.loading = reading.then(done, done);
    return reading;
  }

  /**
   * Joins what was read and what came live, and gives out what the read was ahead.
   * @throws RefusedError if they are not of one stream: that is mended first
   */
  #adopt(view: LogView): Tail {
    const tail = this.#tail ?? new Tail();
    this.#tail = tail;
    if (tail.prepend(view, this.frameHead, this.#high, this.#work?.replays?.isPaused === true)) {
      if (this.#pending === null && this.#advance(view)) return tail;
      if (this.#pending !== null) return tail;
    }
    this.#surely(this.refill());
    throw new RefusedError({ ...refusal('unavailable'), retryAfterMs: RETRY_MS });
  }

  /** @returns false if what was read does not go on from the high water */
  #advance(view: LogView): boolean {
    for (const entry of view.entries) {
      if (comparePositions(entry.id, this.#high) <= 0) continue;
      if (!continues(this.#high, entry.prev)) return false;
      this.#give(itemOf(entry, this.frameHead));
    }
    return true;
  }

  #holdsLast(count: number): boolean {
    const tail = this.#tail;
    return count === 0 || (tail !== null && (tail.whole !== null || tail.items.length >= count));
  }
}
