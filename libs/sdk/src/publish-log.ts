import { addTo } from './multimap.js';
import { RecentIds } from './recent-ids.js';
import type { Position } from './types.js';

type Answer = Promise<{ readonly id: Position }>;

/** What this page published, for those who do not want to hear themselves. */
export class PublishLog {
  readonly #ids = new RecentIds();
  /** Publishes that are not answered yet, by channel. */
  readonly #underWay = new Map<string, Set<Answer>>();

  track(channel: string, answer: Answer): void {
    addTo(this.#underWay, channel, answer);
    answer
      .then(({ id }) => this.#ids.add(id))
      .catch(() => undefined)
      .finally(() => this.#underWay.get(channel)?.delete(answer));
  }

  /** Those of now whose ids are not known; null where there are none. */
  unknown(channel: string): Promise<unknown> | null {
    const answers = [...(this.#underWay.get(channel) ?? [])];
    return answers.length > 0 ? Promise.allSettled(answers) : null;
  }

  has(id: Position): boolean {
    return this.#ids.has(id);
  }
}
