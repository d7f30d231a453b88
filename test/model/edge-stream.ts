import type { Listener } from '@halley/edge/dist/core/replays.js';
import type { Start } from '@halley/edge/dist/core/start.js';
import { type LiveMessage, Stream } from '@halley/edge/dist/core/stream.js';
import type { StreamItem } from '@halley/edge/dist/core/tail.js';
import {
  type GapFrame,
  type LogView,
  messageHead,
  type Position,
  positionOf,
  type ServerFrame,
} from '@halley/shared/protocol';
import type { Random } from '../kit/random.js';
import { turns } from './faulty-store.js';
import type { Live } from './live-feed.js';

const DELAY_MAX_TURNS = 4;

/** A client that was told where it starts, and everything that it was given since. */
export class Reader implements Listener {
  readonly isGone = false;
  readonly received: Position[] = [];
  readonly #random: Random;
  start: Start | null = null;
  gaps = 0;
  isPaused = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The items are the tail's own: what comes live is added to them. */
  begin(start: Start): true {
    this.start = { ...start, items: [...start.items] };
    return true;
  }

  replay(item: StreamItem): void {
    this.received.push(item.id);
  }

  isCongested(): boolean {
    this.isPaused = this.#random.chance(0.1);
    return this.isPaused;
  }

  send(frame: ServerFrame): void {
    if (frame.type === 'gap') this.gaps += 1;
  }
}

export interface ModelStreamOptions {
  readonly channel: string;
  readonly random: Random;
  readonly ageMs: number;
  readonly keepsTail: boolean;
  /** A planted defect: the chain of positions is not looked at. */
  readonly isBlind: boolean;
  /** Reads the log; now and then fails. */
  view(after: Position | null): Promise<LogView>;
  /** Writes the mark of a roll-back. */
  cut(position: Position): Promise<void>;
}

/** An edge's stream of a channel without the edge around it. What is announced waits in an inbox. */
export class ModelStream extends Stream {
  readonly ageMs: number;
  readonly isStrictOnAge = false;
  protected readonly replayAheadBytes = 262_144;
  protected readonly keepsTail: boolean;
  protected readonly frameHead: string;
  readonly #options: ModelStreamOptions;
  readonly #joined = new Set<Reader>();
  #inbox: Live[] = [];
  isOnline = true;
  /** Gaps of the stream, told to all who had joined. */
  gaps = 0;
  /** Reads, marks and timers under way. */
  busy = 0;

  constructor(options: ModelStreamOptions) {
    super();
    this.#options = options;
    this.ageMs = options.ageMs;
    this.keepsTail = options.keepsTail;
    this.frameHead = messageHead(options.channel);
  }

  get waiting(): number {
    return this.#inbox.length;
  }

  announced(live: Live): void {
    if (!this.isOnline) return;
    this.#inbox.push(live);
  }

  /** Takes what has waited longest. */
  takeOne(): void {
    const live = this.#inbox.shift();
    if (live === 'clear') this.forget();
    else if (live !== undefined) this.onLive(this.#options.isBlind ? this.#chained(live) : live);
  }

  /** The subscriber connection breaks: what it had not handed on is gone. */
  disconnect(): void {
    this.isOnline = false;
    this.#inbox = [];
  }

  /** Subscribed first, read then: the order in which nothing falls in between. */
  async openOrRepair(): Promise<void> {
    this.isOnline = true;
    const { top, nowMs } = await this.#options.view(null);
    if (this.isOpen) this.repair(top);
    else this.open(positionOf(top, nowMs));
  }

  protected async view(after: Position | null): Promise<LogView> {
    return this.#whileBusy(async () => {
      await turns(this.#options.random.int(0, DELAY_MAX_TURNS));
      const view = await this.#options.view(after);
      await turns(this.#options.random.int(0, DELAY_MAX_TURNS));
      return view;
    });
  }

  protected deliver(item: StreamItem): void {
    for (const reader of this.#joined) reader.received.push(item.id);
  }

  protected join(listener: Listener): void {
    this.#joined.add(listener as Reader);
  }

  protected tellJoined(frame: ServerFrame): void {
    this.gaps += 1;
    for (const reader of this.#joined) reader.send(frame);
  }

  protected gapFrame(position: Position): GapFrame {
    return { type: 'gap', channel: this.#options.channel, position };
  }

  protected rolledBack(top: Position): void {
    void this.#whileBusy(() => this.#options.cut(top));
  }

  protected readFailed(): void {
    // It is read again.
  }

  protected later(_delayMs: number, callback: () => void): void {
    void this.#whileBusy(() => turns(1).then(callback));
  }

  #chained(live: LiveMessage): LiveMessage {
    return { ...live, prev: this.position };
  }

  async #whileBusy<T>(work: () => Promise<T>): Promise<T> {
    this.busy += 1;
    try {
      return await work();
    } finally {
      this.busy -= 1;
    }
  }
}
