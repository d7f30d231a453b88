/** Clients that come back to one channel with any position that they were ever given. */

import type { LogView, Position } from '@halley/shared/protocol';
import type { Random } from '../kit/random.js';
import { ChannelLife, positionOfView, type Schedule, type World } from './channel-life.js';
import type { Given } from './timeline.js';

/** A rule under test: given a position and the log, is the resume complete, and what is replayed? */
export type Rule = (
  after: Position,
  view: LogView,
) => { readonly recovered: boolean; readonly entries: readonly { readonly id: Position }[] };

export interface Resume {
  readonly given: Given;
  readonly recovered: boolean;
  readonly missed: readonly Position[];
  readonly replayed: readonly Position[];
  /** Messages after the position that a roll-back took, which an edge saw and marked. */
  readonly markedLosses: number;
}

/** How often an edge is there that sees a roll-back. */
const NOTICED = 0.5;

export class ResumeCase {
  readonly life: ChannelLife;
  readonly resumes: Resume[] = [];
  readonly #random: Random;
  readonly #rule: Rule;

  constructor(world: World, random: Random, channel: string, schedule: Schedule, rule: Rule) {
    this.life = new ChannelLife(world, random, channel, schedule);
    this.#random = random;
    this.#rule = rule;
  }

  async run(): Promise<void> {
    const steps = [
      ...this.life.steps({ rolledBack: () => this.#rolledBack(), calm: () => undefined }),
      [12, () => this.#look()] as const,
      [35, () => this.#resume()] as const,
    ];
    for (let left = this.#random.int(20, 60); left > 0; left -= 1) {
      await this.#random.weighted(steps)();
    }
  }

  /** Somebody subscribes anew and is told where the stream is. */
  async #look(): Promise<void> {
    this.life.timeline.give(positionOfView(await this.life.view(null)));
  }

  async #resume(): Promise<void> {
    const { timeline, size, givenBeforeMark } = this.life;
    if (timeline.given.length === 0) return;
    const recent = timeline.given.slice(-3 * size);
    const given = this.#random.pick(this.#random.chance(0.7) ? recent : timeline.given);
    const view = await this.life.view(given.position);
    const { recovered, entries } = this.#rule(given.position, view);
    const isMarked = view.cut !== null && given.order < givenBeforeMark;
    this.resumes.push({
      given,
      recovered,
      missed: timeline.between(given.published, timeline.published),
      replayed: entries.map((entry) => entry.id),
      markedLosses: isMarked ? timeline.lostSince(given).length : 0,
    });
    timeline.give(positionOfView(view));
  }

  async #rolledBack(): Promise<void> {
    if (!this.#random.chance(NOTICED)) return;
    await this.life.mark(positionOfView(await this.life.view(null)));
  }
}
