import { type CommandClient, dpsSessionKey, type Scripts } from '@halley/shared/redis';
import type { Mark, MarkStore } from '../core/ports/marks.js';
import { asking } from './calls.js';

/** Answers that a client may show again; the last two are the one it has and the one it may not have. */
export const MARKS_MAX = 4;

/** Sessions of DPS: a list of marks each. */
export class RedisDpsSessions implements MarkStore {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;

  constructor(redis: CommandClient, scripts: Scripts) {
    this.#redis = redis;
    this.#scripts = scripts;
  }

  async read(session: string, lifeMs: number): Promise<readonly Mark[]> {
    const key = dpsSessionKey(session);
    // Put off first: what is read then is there for as long as it was promised.
    const [, texts] = await asking(this.#redis, () =>
      Promise.all([this.#redis.pexpire(key, lifeMs), this.#redis.lrange(key, 0, -1)]),
    );
    return texts.map((text) => JSON.parse(text) as Mark);
  }

  async note(session: string, marks: readonly Mark[], lifeMs: number): Promise<void> {
    // The script tells marks apart by their texts.
    const texts = marks.map(({ seq, seen }) => JSON.stringify({ seq, seen }));
    await asking(this.#redis, () =>
      this.#scripts.run('dps-note', [dpsSessionKey(session)], [lifeMs, MARKS_MAX, ...texts]),
    );
  }
}
