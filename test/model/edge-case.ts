/**
 * A channel on two edges: messages wait on their way to them, connections to Redis break, histories are
 * read while others are published, and clients resume on either edge.
 */

import type { LogView, Position } from '@halley/shared/protocol';
import type { Random } from '../kit/random.js';
import { ChannelLife, positionOfView, type Schedule, type World } from './channel-life.js';
import { ModelStream, Reader } from './edge-stream.js';
import { turns } from './faulty-store.js';
import type { LiveFeed } from './live-feed.js';
import type { Given } from './timeline.js';

export interface EdgeSchedule extends Schedule {
  /** Connections between edges and Redis break, and reads fail. */
  readonly hasDrops: boolean;
}

export interface EdgeWorld extends World {
  readonly feed: LiveFeed;
}

/** What came of the readers of a case, judged when all is over. */
export interface EdgeTally {
  resumes: number;
  recovered: number;
  /** `recovered: true`, and the replay lacked something or held too much. */
  falseTrue: number;
  /** `recovered: false`, and the replay held all that was missed. */
  falseFalse: number;
  /** `recovered: true` after a loss that an edge had seen and marked. */
  unmarked: number;
  /** Readers that were told of no gap and did not receive each message once and in order. */
  broken: number;
  gaps: number;
  firstFailure: string | null;
}

interface Attempt {
  readonly given: Given;
  readonly reader: Reader;
  readonly wasMarked: boolean;
}

const READ_FAILS = 0.05;
const QUIET_TURNS = 8;

export class EdgeCase {
  readonly #life: ChannelLife;
  readonly #random: Random;
  readonly #world: EdgeWorld;
  readonly #hasDrops: boolean;
  readonly #edges: readonly ModelStream[];
  readonly #attempts: Attempt[] = [];
  readonly #readers: Reader[] = [];

  constructor(world: EdgeWorld, random: Random, channel: string, schedule: EdgeSchedule) {
    this.#world = world;
    this.#random = random;
    this.#hasDrops = schedule.hasDrops;
    this.#life = new ChannelLife(world, random, channel, schedule);
    const keepsTail = random.chance(0.8);
    this.#edges = [0, 1].map(
      () =>
        new ModelStream({
          channel,
          random,
          ageMs: this.#life.ageMs,
          keepsTail,
          view: (after) => this.#view(after),
          cut: (position) => this.#life.mark(position),
        }),
    );
  }

  async run(tally: EdgeTally): Promise<void> {
    const announced = (live: Parameters<ModelStream['announced']>[0]) => {
      for (const edge of this.#edges) edge.announced(live);
    };
    const leave = await this.#world.feed.follow(this.#life.name, announced);
    for (const edge of this.#edges) await this.#connect(edge);
    const steps = this.#steps();
    for (let left = this.#random.int(20, 60); left > 0; left -= 1) {
      await this.#random.weighted(steps)();
    }
    await this.#finish();
    await leave();
    this.#judge(tally);
  }

  #steps() {
    const steps = [
      ...this.#life.steps(() => this.#failOver()),
      [30, () => this.#arrive()] as const,
      [10, () => this.#look()] as const,
      [40, () => this.#resume()] as const,
      [5, () => this.#resumeReplays()] as const,
      [4, () => this.#edge().settle(Date.now() + this.#random.pick([0, 60_000]))] as const,
      [20, () => turns(this.#random.int(1, 5))] as const,
    ];
    if (this.#hasDrops) {
      steps.push([3, () => this.#edge().disconnect()], [5, () => this.#connect(this.#edge())]);
    }
    return steps;
  }

  #edge(): ModelStream {
    return this.#random.pick(this.#edges);
  }

  /** Reads what every edge reads, and keeps what positions it was given for. */
  async #view(after: Position | null): Promise<LogView> {
    const view = await this.#life.view(after);
    if (view.top === null) this.#life.timeline.give(positionOfView(view));
    if (this.#hasDrops && this.#random.chance(READ_FAILS)) throw new Error('the reply was lost');
    return view;
  }

  async #connect(edge: ModelStream): Promise<void> {
    for (let isDone = false; !isDone; ) {
      isDone = await edge.openOrRepair().then(
        () => true,
        () => false,
      );
    }
  }

  async #failOver(): Promise<void> {
    for (const edge of this.#edges) {
      if (this.#random.chance(0.7)) edge.disconnect();
    }
    if (this.#random.chance(0.5)) await this.#connect(this.#edge());
  }

  #arrive(): void {
    const edge = this.#edge();
    for (let count = this.#random.int(1, 4); count > 0; count -= 1) edge.takeOne();
  }

  /** Subscribes without a position. */
  #look(): void {
    const reader = this.#newReader();
    this.#edge().beginHere(reader, (start) => reader.begin(start));
  }

  #resume(): void {
    const { timeline, size, givenBeforeMark } = this.#life;
    if (timeline.given.length === 0) return;
    const recent = timeline.given.slice(-3 * size);
    const given = this.#random.pick(this.#random.chance(0.7) ? recent : timeline.given);
    const reader = this.#newReader();
    this.#attempts.push({ given, reader, wasMarked: given.order < givenBeforeMark });
    this.#edge()
      .beginAfter(reader, given.position, (start) => reader.begin(start))
      .catch(() => undefined);
  }

  #newReader(): Reader {
    const reader = new Reader(this.#random);
    this.#readers.push(reader);
    return reader;
  }

  #resumeReplays(): void {
    for (const reader of this.#readers) {
      if (!reader.isPaused) continue;
      reader.isPaused = false;
      for (const edge of this.#edges) edge.resumeReplay(reader);
    }
  }

  /** Everything arrives, every connection is up, and every hole is filled or told of. */
  async #finish(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
      if (this.#readers.some((reader) => reader.isPaused)) quiet = 0;
      this.#resumeReplays();
      for (const edge of this.#edges) {
        if (!edge.isOnline) await this.#connect(edge);
        if (edge.waiting > 0 || edge.busy > 0) quiet = 0;
        edge.takeOne();
      }
      await turns(1);
    }
    for (const edge of this.#edges) await this.#connect(edge);
    while (this.#edges.some((edge) => edge.busy > 0)) await turns(1);
  }

  #judge(tally: EdgeTally): void {
    for (const attempt of this.#attempts) this.#judgeStart(tally, attempt);
    for (const reader of this.#readers) {
      tally.gaps += reader.gaps;
      if (reader.start === null || reader.start.recovered === false || reader.gaps > 0) continue;
      const { timeline } = this.#life;
      const attempt = this.#attempts.find((candidate) => candidate.reader === reader);
      const from = attempt?.given.published ?? timeline.publishedAt(reader.start.position);
      const expected = timeline.between(from, timeline.published);
      const received = timeline.withoutLost(reader.received);
      if (received.join() === expected.join()) continue;
      tally.broken += 1;
      tally.firstFailure ??= `${this.#life.name}: received [${received}] of [${expected}]`;
    }
  }

  #judgeStart(tally: EdgeTally, { given, reader, wasMarked }: Attempt): void {
    const { start } = reader;
    if (start === null) return;
    const { timeline } = this.#life;
    const until = timeline.publishedAt(start.position);
    const missed = timeline.between(given.published, until);
    const replayed = timeline.withoutLost(start.items.map((item) => item.id));
    tally.resumes += 1;
    if (start.recovered !== true) {
      if (missed.every((id) => replayed.includes(id))) tally.falseFalse += 1;
      return;
    }
    tally.recovered += 1;
    if (missed.join() !== replayed.join()) {
      tally.falseTrue += 1;
      tally.firstFailure ??= `${this.#life.name}: after ${given.position} replayed [${replayed}] of [${missed}]`;
    }
    if (wasMarked && timeline.lostSince(given) > 0) tally.unmarked += 1;
  }
}
