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
  /** What is announced waits on its way to an edge, longer than the log may keep it. */
  readonly hasLag: boolean;
  /** Connections between edges and Redis break, messages vanish without a sign, and reads fail. */
  readonly hasDrops: boolean;
}

export interface EdgeWorld extends World {
  readonly feed: LiveFeed;
  /** A planted defect: edges do not look at the chain of positions. */
  readonly isBlind: boolean;
}

/** What came of the readers of a case, judged when all is over. */
export interface EdgeTally {
  resumes: number;
  recovered: number;
  /** `recovered: true`, and the replay lacked something. */
  falseTrue: number;
  /** Replays and streams that repeated what their readers had, or were out of order. */
  untidy: number;
  /** `recovered: false`, and the replay held all that was missed. */
  falseFalse: number;
  /** `recovered: true` after a loss that another edge had just marked, and not a word of it later. */
  unmarked: number;
  /** Readers that were told of no gap and lack a message in the end. */
  broken: number;
  /** Gaps of whole streams. */
  gaps: number;
  /** Readers that were too slow for the replay which they had begun, and were told so. */
  outrun: number;
  firstFailure: string | null;
}

interface Attempt {
  readonly given: Given;
  readonly reader: Reader;
  /** Messages after the position that a roll-back took, which an edge had seen and marked. */
  readonly markedLosses: readonly Position[];
}

const READ_FAILS = 0.05;
const VANISHES = 0.03;
const QUIET_TURNS = 8;

export class EdgeCase {
  readonly #life: ChannelLife;
  readonly #random: Random;
  readonly #world: EdgeWorld;
  readonly #schedule: EdgeSchedule;
  readonly #edges: readonly ModelStream[];
  readonly #attempts: Attempt[] = [];
  readonly #readers: Reader[] = [];

  constructor(world: EdgeWorld, random: Random, channel: string, schedule: EdgeSchedule) {
    this.#world = world;
    this.#random = random;
    this.#schedule = schedule;
    this.#life = new ChannelLife(world, random, channel, schedule);
    const keepsTail = random.chance(0.8);
    this.#edges = [0, 1].map(
      () =>
        new ModelStream({
          channel,
          random,
          ageMs: this.#life.ageMs,
          keepsTail,
          isBlind: world.isBlind,
          view: (after) => this.#view(after),
          cut: (position) => this.#life.mark(position),
        }),
    );
  }

  async run(tally: EdgeTally): Promise<void> {
    const announced = (live: Parameters<ModelStream['announced']>[0]) => {
      for (const edge of this.#edges) {
        // As while a slot moves: nobody is told.
        if (this.#schedule.hasDrops && this.#random.chance(VANISHES)) continue;
        edge.announced(live);
        if (!this.#schedule.hasLag) edge.takeOne();
      }
    };
    const leave = await this.#world.feed.follow(this.#life.name, announced);
    for (const edge of this.#edges) await this.#connect(edge);
    const steps = this.#steps();
    for (let left = this.#random.int(20, 60); left > 0; left -= 1) {
      await this.#random.weighted(steps)();
    }
    await this.#catchUp();
    await leave();
    this.#judge(tally);
  }

  #steps() {
    const steps = [
      ...this.#life.steps({ rolledBack: () => this.#failOver(), calm: () => this.#catchUp() }),
      [30, () => this.#arrive()] as const,
      [10, () => this.#look()] as const,
      [40, () => this.#resume()] as const,
      [5, () => this.#resumeReplays()] as const,
      [4, () => this.#edge().settle(Date.now() + this.#random.pick([0, 60_000]))] as const,
      [20, () => turns(this.#random.int(1, 5))] as const,
    ];
    if (this.#schedule.hasDrops) {
      steps.push([3, () => this.#edge().disconnect()], [5, () => this.#connect(this.#edge())]);
    }
    return steps;
  }

  #edge(): ModelStream {
    return this.#random.pick(this.#edges);
  }

  /** Reads what every edge reads, and keeps what positions it was given for. */
  async #view(after: Position | null): Promise<LogView> {
    // Where there is no top, nothing that is published meanwhile can have come before the read.
    const { timeline } = this.#life;
    const { published } = timeline;
    const view = await this.#life.view(after);
    if (view.top === null) timeline.give(positionOfView(view), published);
    if (this.#schedule.hasDrops && this.#random.chance(READ_FAILS))
      throw new Error('the reply was lost');
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
    const markedLosses = given.order < givenBeforeMark ? timeline.lostSince(given) : [];
    this.#attempts.push({ given, reader, markedLosses });
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
  async #catchUp(): Promise<void> {
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
    // A turn first: of a read that has just failed the next attempt begins within this one.
    do await turns(1);
    while (this.#edges.some((edge) => edge.busy > 0));
  }

  #judge(tally: EdgeTally): void {
    const gaps = this.#edges.reduce((sum, edge) => sum + edge.gaps, 0);
    tally.gaps += gaps;
    for (const attempt of this.#attempts) this.#judgeStart(tally, attempt);
    for (const reader of this.#readers) {
      if (gaps === 0) tally.outrun += reader.gaps;
      if (reader.start === null || reader.start.recovered === false || reader.gaps > 0) continue;
      const { timeline } = this.#life;
      const attempt = this.#attempts.find((candidate) => candidate.reader === reader);
      const from = attempt?.given.published ?? timeline.publishedAt(reader.start.position);
      const expected = timeline.between(from, timeline.published);
      const received = timeline.withoutLost(reader.received);
      const place = `${this.#life.name}, in the end`;
      if (!this.#isAllThere(tally, expected, received, place)) tally.broken += 1;
    }
  }

  #judgeStart(tally: EdgeTally, { given, reader, markedLosses }: Attempt): void {
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
    const place = `${this.#life.name}, after ${given.position}`;
    if (!this.#isAllThere(tally, missed, replayed, place)) tally.falseTrue += 1;
    const isUntold = markedLosses.some((id) => !reader.received.includes(id));
    if (isUntold && reader.gaps === 0) tally.unmarked += 1;
  }

  #isAllThere(
    tally: EdgeTally,
    expected: readonly Position[],
    given: readonly Position[],
    place: string,
  ): boolean {
    if (given.join() === expected.join()) return true;
    const isWhole = expected.every((id) => given.includes(id));
    if (isWhole) tally.untidy += 1;
    if (!isWhole || !this.#schedule.hasFaults) {
      tally.firstFailure ??= `${place}: [${given}] of [${expected}]`;
    }
    return isWhole;
  }
}
