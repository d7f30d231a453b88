/** Hears from the store which channels get their first listener and lose their last. */

import { RefusedError } from '@halley/shared/protocol';
import {
  type CommandClient,
  occupancyChannel,
  PARTITION_COUNT,
  PROBE_MARK,
  Probe,
  type RedisAddress,
  type Scripts,
  ShardSubscriber,
  storeRefusal,
} from '@halley/shared/redis';
import { PSUB_OPEN_DEADLINE_MS } from './limits.js';

export interface FeedEvents {
  changed(channel: string, isOccupied: boolean): void;
  /** Changes may have been missed. */
  restored(): void;
}

export interface FeedSource {
  readonly address: RedisAddress;
  readonly redis: CommandClient;
  readonly scripts: Scripts;
  readonly timeoutMs: number;
}

const CHANNELS = Array.from({ length: PARTITION_COUNT }, (_, partition) =>
  occupancyChannel(partition),
);

export class OccupancyFeed {
  readonly #subscriber: ShardSubscriber;
  readonly #probe: Probe;

  private constructor({ address, redis, scripts, timeoutMs }: FeedSource, events: FeedEvents) {
    const heard = {
      onMessage: (_: string, payload: Buffer) => this.#take(payload, events),
      onRestored: () => events.restored(),
      onLost: () => undefined,
    };
    this.#subscriber = new ShardSubscriber(address, redis, heard, timeoutMs);
    this.#probe = new Probe(redis, scripts, this.#subscriber, () => CHANNELS);
  }

  /** Resolves when every change from now on is heard. @throws RefusedError 503 */
  static async open(source: FeedSource, events: FeedEvents): Promise<OccupancyFeed> {
    const feed = new OccupancyFeed(source, events);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the store is away')), PSUB_OPEN_DEADLINE_MS);
    });
    try {
      await Promise.race([feed.#listen(), deadline]);
      return feed;
    } catch (error) {
      feed.close();
      throw new RefusedError(storeRefusal('unavailable'), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#probe.stop();
    this.#subscriber.stop();
  }

  async #listen(): Promise<void> {
    await this.#subscriber.start();
    await this.#subscriber.subscribe(CHANNELS);
    this.#probe.start();
  }

  /** @param payload `1 <channel>` or `0 <channel>` */
  #take(payload: Buffer, events: FeedEvents): void {
    const text = payload.toString('utf8');
    if (text.startsWith(PROBE_MARK)) this.#probe.answered(text.slice(PROBE_MARK.length));
    else events.changed(text.slice(2), text.startsWith('1'));
  }
}
