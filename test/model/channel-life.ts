/** The life of one channel in a real Redis: publishing, idleness, and all that may befall a log. */

import { type LogView, type Position, positionOf } from '@halley/shared/protocol';
import type { Publisher } from '@halley/shared/publish';
import { channelKeys, type Scripts, viewLog } from '@halley/shared/redis';
import type { Random } from '../kit/random.js';
import type { SteppedRedis } from './stepped-redis.js';
import { Timeline } from './timeline.js';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LAG_MAX_MS = 12 * HOUR_MS;

export interface Schedule {
  readonly name: string;
  /** Clock steps, roll-backs, deleted logs, idleness beyond the life of a top. */
  readonly hasFaults: boolean;
  /** The namespace's history is switched off and on, as a new configuration does. */
  readonly hasReconfiguration: boolean;
}

export interface World {
  readonly redis: SteppedRedis;
  readonly scripts: Scripts;
  readonly publisher: Publisher;
}

/** What else happens to those who use the channel. */
export interface Surroundings {
  rolledBack(): void | Promise<void>;
  /** Before hours and days in which nothing happens. */
  calm(): void | Promise<void>;
}

/** Chances of what may happen next. */
export type Steps = (readonly [weight: number, step: () => void | Promise<void>])[];

interface Snapshot {
  readonly published: number;
  readonly takenAtMs: number;
  readonly keys: readonly {
    readonly key: string;
    readonly dump: Buffer | null;
    readonly expiresAtMs: number;
  }[];
}

export class ChannelLife {
  readonly name: string;
  readonly timeline = new Timeline();
  readonly size: number;
  readonly ageMs: number;
  readonly #world: World;
  readonly #random: Random;
  readonly #schedule: Schedule;
  /** Ids that did not rise above those before them. */
  fallenIds = 0;
  /** Positions given before an edge marked the last roll-back; 0: nobody saw it. */
  givenBeforeMark = 0;
  #isHistoryOff = false;
  #snapshot: Snapshot | null = null;
  /** Idleness that the schedule still allows, so that nothing is forgotten where no fault is meant. */
  #idleBudgetMs = 3.4 * DAY_MS;

  constructor(world: World, random: Random, name: string, schedule: Schedule) {
    this.#world = world;
    this.#random = random;
    this.name = name;
    this.#schedule = schedule;
    this.size = random.pick([1, 2, 5, 20]);
    this.ageMs = SECOND_MS * random.pick([1, 60, 300, 3_600]);
  }

  steps(around: Surroundings): Steps {
    const steps: Steps = [
      [30, () => this.#publish()],
      [15, () => this.#idle(around)],
      [2, () => this.#clear()],
    ];
    if (this.#schedule.hasFaults) {
      steps.push(
        [3, () => this.#stepClock()],
        [5, () => this.#takeSnapshot()],
        [4, () => this.#rollBack(around)],
        [2, () => this.#deleteLog()],
      );
    }
    if (this.#schedule.hasReconfiguration) steps.push([4, () => this.#reconfigure()]);
    return steps;
  }

  view(after: Position | null): Promise<LogView> {
    return viewLog(this.#world.scripts, this.name, after);
  }

  /** What an edge does that finds messages gone which it had given out. */
  async mark(position: Position): Promise<void> {
    const { cut } = channelKeys(this.name);
    this.givenBeforeMark = this.timeline.given.length;
    await this.#world.redis.client.set(cut, position, 'PX', 2 * this.ageMs);
  }

  async #publish(): Promise<void> {
    const history = {
      historySize: this.#isHistoryOff ? 0 : this.size,
      historySeconds: this.ageMs / SECOND_MS,
    };
    // Several of one turn travel in one script call.
    const count = this.#random.chance(0.6) ? 1 : this.#random.int(2, this.size + 4);
    const outcomes = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        this.#world.publisher.toChannel(this.name, `"data":${index}`, history),
      ),
    );
    for (const outcome of outcomes) {
      if (!('id' in outcome)) throw new Error(`not published: ${outcome.message}`);
      if (!this.timeline.risesTo(outcome.id)) this.fallenIds += 1;
      this.timeline.add(outcome.id);
    }
  }

  async #idle(around: Surroundings): Promise<void> {
    const { ageMs } = this;
    const shortMs = [1, 50, SECOND_MS, ageMs - 1, ageMs + 1, 2 * ageMs - 1, 2 * ageMs + 1];
    const longMs = this.#schedule.hasFaults
      ? [HOUR_MS, DAY_MS, 3.4 * DAY_MS, 3.6 * DAY_MS, 7 * DAY_MS + 1, 9 * DAY_MS]
      : [HOUR_MS, DAY_MS];
    const ms = this.#random.pick(this.#random.chance(0.8) ? shortMs : longMs);
    if (!this.#schedule.hasFaults && ms > this.#idleBudgetMs) return;
    this.#idleBudgetMs -= ms;
    if (ms >= HOUR_MS) await around.calm();
    this.#world.redis.step(ms);
  }

  async #clear(): Promise<void> {
    const { log, live } = channelKeys(this.name);
    await this.#world.scripts.run('clear', [log], [live]);
  }

  #stepClock(): void {
    const ms = this.#random.pick([1, 5, SECOND_MS, 60 * SECOND_MS, HOUR_MS, 12 * HOUR_MS]);
    this.#world.redis.step(this.#random.chance(0.8) ? -ms : ms);
  }

  async #takeSnapshot(): Promise<void> {
    const { client } = this.#world.redis;
    const { log, top, cut } = channelKeys(this.name);
    const keys = await Promise.all(
      [log, top, cut].map(async (key) => ({
        key,
        dump: await client.dumpBuffer(key),
        expiresAtMs: Number(await client.call('PEXPIRETIME', key)),
      })),
    );
    this.#snapshot = {
      published: this.timeline.published,
      takenAtMs: this.#world.redis.now(),
      keys,
    };
  }

  /** A failover to a replica that was behind. */
  async #rollBack(around: Surroundings): Promise<void> {
    const snapshot = this.#snapshot;
    if (snapshot === null) return;
    const change = this.#world.redis.client.multi();
    for (const { key, dump, expiresAtMs } of snapshot.keys) {
      change.del(key);
      if (dump !== null) change.restore(key, Math.max(0, expiresAtMs), dump, 'ABSTTL');
    }
    await change.exec();
    this.timeline.rollBack(snapshot.published);
    this.#snapshot = null;
    this.givenBeforeMark = 0;
    // Where the replica's clock lags, it gives out the very ids that were lost.
    const lagMs = this.#world.redis.now() - snapshot.takenAtMs;
    if (lagMs <= LAG_MAX_MS && this.#random.chance(0.5)) this.#world.redis.step(-lagMs);
    await around.rolledBack();
  }

  async #deleteLog(): Promise<void> {
    await this.#world.redis.client.del(channelKeys(this.name).log);
  }

  #reconfigure(): void {
    this.#isHistoryOff = !this.#isHistoryOff;
  }
}

/** The position of somebody who has seen all that a view knows of. */
export function positionOfView({ top, nowMs }: LogView): Position {
  return positionOf(top, nowMs);
}
