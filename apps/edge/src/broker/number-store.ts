import { positionOf } from '@halley/shared/protocol';
import { type CommandClient, channelKeys, type Scripts } from '@halley/shared/redis';
import type { NumberStore, Place } from '../core/ports/numbers.js';
import { asking } from './calls.js';

/** The numbers that the publish script counts. */
export class RedisNumberStore implements NumberStore {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;

  constructor(redis: CommandClient, scripts: Scripts) {
    this.#redis = redis;
    this.#scripts = scripts;
  }

  async locate(channel: string, wanted: number): Promise<Place> {
    const { log, top, number } = channelKeys(channel);
    const reply = await asking(this.#redis, () =>
      this.#scripts.run('locate', [log, top, number], [wanted]),
    );
    const [last, nowMs, topNow, before] = reply as [number, number, string, string];
    return {
      next: last + 1,
      top: positionOf(topNow === '' ? null : topNow, nowMs),
      before: before === '' ? null : before,
    };
  }
}
