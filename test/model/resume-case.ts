/**
 * One random history of a channel, through the real scripts: publishing, idleness, trims, expiry, clears
 * and faults, and clients that come back with any position that they were ever given.
 */

import { type LogView, type Position, positionOf } from '@halley/shared/protocol';
import type { Publisher } from '@halley/shared/publish';
import { channelKeys, type Scripts, viewLog } from '@halley/shared/redis';
import type { Random } from '../kit/random.js';
import type { SteppedRedis } from './stepped-redis.js';
import { type Given, Timeline } from './timeline.js';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A rule under test: given a position and the log, is the resume complete, and what is replayed? */
export type Rule = (
  after: Position,
  view: LogView,
) => { readonly recovered: boolean; readonly entries: readonly { readonly id: Position }[] };

export interface Schedule {
  readonly name: string;
  /** Clock steps, roll-backs, deleted logs, idleness beyond the life of a top. */
  readonly hasFaults: boolean;
  /** The namespace's history is switched off and on, as a new configuration does. */
  readonly hasReconfiguration: boolean;
}

export interface Resume {
  readonly given: Given;
  readonly recovered: boolean;
  readonly missed: readonly Position[];
  readonly replayed: readonly Position[];
  /** Messages after the position that a roll-back took, which an edge saw and marked. */
  readonly markedLosses: number;
}

export interface World {
  readonly redis: SteppedRedis;
  readonly scripts: Scripts;
  readonly publisher: Publisher;
  readonly rule: Rule;
}

interface Snapshot {
  readonly published: number;
  readonly keys: readonly {
    readonly key: string;
    readonly dump: Buffer | null;
    readonly expiresAtMs: number;
  }[];
}

type Step = () => Promise<void>;

export class ResumeCase {
  readonly #world: World;
  readonly #random: Random;
  readonly #channel: string;
  readonly #schedule: Schedule;
  readonly #timeline = new Timeline();
  readonly #size: number;
  readonly #ageSeconds: number;
  readonly resumes: Resume[] = [];
  /** Ids that did not rise above those before them. */
  fallenIds = 0;
  #isHistoryOff = false;
  #snapshot: Snapshot | null = null;
  /** Positions given before an edge marked the last roll-back; 0: nobody saw it. */
  #givenBeforeMark = 0;
  /** Idleness that the schedule still allows, so that nothing is forgotten where no fault is meant. */
  #idleBudgetMs = 3.4 * DAY_MS;

  constructor(world: World, random: Random, channel: string, schedule: Schedule) {
    this.#world = world;
    this.#random = random;
    this.#channel = channel;
    this.#schedule = schedule;
    this.#size = random.pick([1, 2, 5, 20]);
    this.#ageSeconds = random.pick([1, 60, 300, 3_600]);
  }

  async run(): Promise<void> {
    const steps: [number, Step][] = [
      [30, () => this.#publish()],
      [15, () => this.#idle()],
      [12, () => this.#look()],
      [35, () => this.#resume()],
      [2, () => this.#clear()],
    ];
    if (this.#schedule.hasFaults) {
      steps.push(
        [3, () => this.#stepClock()],
        [4, () => this.#takeSnapshot()],
        [3, () => this.#rollBack()],
        [2, () => this.#deleteLog()],
      );
    }
    if (this.#schedule.hasReconfiguration) steps.push([4, () => this.#reconfigure()]);
    for (let left = this.#random.int(20, 60); left > 0; left -= 1)
      await this.#random.weighted(steps)();
  }

  async #publish(): Promise<void> {
    const history = {
      historySize: this.#isHistoryOff ? 0 : this.#size,
      historySeconds: this.#ageSeconds,
    };
    // Several of one turn travel in one script call.
    const count = this.#random.chance(0.6) ? 1 : this.#random.int(2, this.#size + 4);
    const outcomes = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        this.#world.publisher.toChannel(this.#channel, `"data":${index}`, history),
      ),
    );
    for (const outcome of outcomes) {
      if (!('id' in outcome)) throw new Error(`not published: ${outcome.message}`);
      if (!this.#timeline.risesTo(outcome.id)) this.fallenIds += 1;
      this.#timeline.add(outcome.id);
    }
  }

  #idle(): Promise<void> {
    const ageMs = this.#ageSeconds * SECOND_MS;
    const shortMs = [1, 50, SECOND_MS, ageMs - 1, ageMs + 1, 2 * ageMs - 1, 2 * ageMs + 1];
    const longMs = this.#schedule.hasFaults
      ? [HOUR_MS, DAY_MS, 3.4 * DAY_MS, 3.6 * DAY_MS, 7 * DAY_MS + 1, 9 * DAY_MS]
      : [HOUR_MS, DAY_MS];
    const ms = this.#random.pick(this.#random.chance(0.8) ? shortMs : longMs);
    if (this.#schedule.hasFaults || ms <= this.#idleBudgetMs) {
      this.#idleBudgetMs -= ms;
      this.#world.redis.step(ms);
    }
    return Promise.resolve();
  }

  /** Somebody subscribes anew and is told where the stream is. */
  async #look(): Promise<void> {
    const view = await this.#view(null);
    this.#timeline.give(positionOf(view.top, view.nowMs));
  }

  async #resume(): Promise<void> {
    const { given } = this.#timeline;
    if (given.length === 0) return;
    const recent = given.slice(-3 * this.#size);
    const from = this.#random.pick(this.#random.chance(0.7) ? recent : given);
    const view = await this.#view(from.position);
    const { recovered, entries } = this.#world.rule(from.position, view);
    const isMarked = view.cut !== null && from.order < this.#givenBeforeMark;
    this.resumes.push({
      given: from,
      recovered,
      missed: this.#timeline.missedSince(from),
      replayed: entries.map((entry) => entry.id),
      markedLosses: isMarked ? this.#timeline.lostSince(from) : 0,
    });
    this.#timeline.give(positionOf(view.top, view.nowMs));
  }

  async #clear(): Promise<void> {
    const { log, live } = this.#keys;
    await this.#world.scripts.run('clear', [log], [live]);
  }

  #stepClock(): Promise<void> {
    const ms = this.#random.pick([1, 5, SECOND_MS, 60 * SECOND_MS, HOUR_MS, 12 * HOUR_MS]);
    this.#world.redis.step(this.#random.chance(0.8) ? -ms : ms);
    return Promise.resolve();
  }

  async #takeSnapshot(): Promise<void> {
    const { client } = this.#world.redis;
    const { log, top, cut } = this.#keys;
    const keys = await Promise.all(
      [log, top, cut].map(async (key) => ({
        key,
        dump: await client.dumpBuffer(key),
        expiresAtMs: Number(await client.call('PEXPIRETIME', key)),
      })),
    );
    this.#snapshot = { published: this.#timeline.published, keys };
  }

  /** A failover to a replica that was behind. */
  async #rollBack(): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === null) return;
    const { client } = this.#world.redis;
    await Promise.all(
      snapshot.keys.map(async ({ key, dump, expiresAtMs }) => {
        await client.del(key);
        if (dump !== null) await client.restore(key, Math.max(0, expiresAtMs), dump, 'ABSTTL');
      }),
    );
    this.#timeline.rollBack(snapshot.published);
    this.#snapshot = null;
    this.#givenBeforeMark = 0;
    if (this.#random.chance(0.3)) await this.#noticeRollBack();
  }

  /** An edge finds that what it gave out is gone. */
  async #noticeRollBack(): Promise<void> {
    const view = await this.#view(null);
    const position = positionOf(view.top, view.nowMs);
    const ttlMs = 2 * this.#ageSeconds * SECOND_MS;
    await this.#world.redis.client.set(this.#keys.cut, position, 'PX', ttlMs);
    this.#givenBeforeMark = this.#timeline.given.length;
  }

  async #deleteLog(): Promise<void> {
    await this.#world.redis.client.del(this.#keys.log);
  }

  #reconfigure(): Promise<void> {
    this.#isHistoryOff = !this.#isHistoryOff;
    return Promise.resolve();
  }

  #view(after: Position | null): Promise<LogView> {
    return viewLog(this.#world.scripts, this.#channel, after);
  }

  get #keys() {
    return channelKeys(this.#channel);
  }
}
