import { timingSafeEqual } from 'node:crypto';
import { type CommandClient, channelKeys } from '@halley/shared/redis';
import type { ChannelTokens } from '../core/ports/numbers.js';
import { asking } from './calls.js';

/** Tokens as the api's `/sign` puts them into Redis. */
export class RedisChannelTokens implements ChannelTokens {
  readonly #redis: CommandClient;
  readonly #idleMs: number;

  /** @param idleMs how long a token lives on once its channel is not in use any more */
  constructor(redis: CommandClient, idleMs: number) {
    this.#redis = redis;
    this.#idleMs = idleMs;
  }

  async isToken(channel: string, token: string): Promise<boolean> {
    const signed = await asking(this.#redis, () =>
      this.#redis.get(channelKeys(channel).icometToken),
    );
    if (signed === null) return false;
    const [expected, shown] = [Buffer.from(signed), Buffer.from(token)];
    return expected.length === shown.length && timingSafeEqual(expected, shown);
  }

  async keep(channels: readonly string[]): Promise<void> {
    await asking(this.#redis, () =>
      Promise.all(
        channels.map((channel) =>
          // Never shorter than what /sign was asked for.
          this.#redis.pexpire(channelKeys(channel).icometToken, this.#idleMs, 'GT'),
        ),
      ),
    );
  }
}
