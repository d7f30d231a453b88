import {
  type Body,
  clientOfChannel,
  type HistoryPage,
  type HistoryQuery,
  type LogView,
  type Position,
  type PublishOutcome,
  positionOf,
} from '@halley/shared/protocol';
import type { Publisher } from '@halley/shared/publish';
import {
  announcementArgs,
  type CommandClient,
  channelKeys,
  channelsKey,
  isSlotMoving,
  lastSeenKey,
  occupancyChannel,
  partitionOfChannel,
  presenceKey,
  readHistory,
  type Scripts,
  type ShardSubscriber,
  viewLog,
  viewLogApart,
} from '@halley/shared/redis';
import type { ChannelStore, HistoryOptions } from '../core/ports/stores.js';
import { asking } from './calls.js';
import type { EdgeIdentity } from './edge-identity.js';

/** Channels in Redis. */
export class RedisChannelStore implements ChannelStore {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #subscriber: ShardSubscriber;
  readonly #publisher: Publisher;
  readonly #edge: EdgeIdentity;
  readonly #presenceHistory: HistoryOptions;

  /** @param presenceHistory of the clients' presence channels */
  constructor(
    redis: CommandClient,
    scripts: Scripts,
    subscriber: ShardSubscriber,
    publisher: Publisher,
    edge: EdgeIdentity,
    presenceHistory: HistoryOptions,
  ) {
    this.#redis = redis;
    this.#scripts = scripts;
    this.#subscriber = subscriber;
    this.#publisher = publisher;
    this.#edge = edge;
    this.#presenceHistory = presenceHistory;
  }

  async open(channel: string, listeners: number): Promise<Position> {
    const { live } = channelKeys(channel);
    await asking(this.#redis, () => this.#subscriber.subscribe([live]));
    try {
      return await this.#listen(channel, listeners);
    } catch (error) {
      this.close(channel);
      throw error;
    }
  }

  close(channel: string): void {
    this.#subscriber.unsubscribe([channelKeys(channel).live]);
  }

  async report(channel: string, listeners: number): Promise<void> {
    await this.#listen(channel, listeners);
  }

  view(channel: string, after: Position | null): Promise<LogView> {
    return asking(this.#redis, () =>
      viewLog(this.#scripts, channel, after).catch((error: unknown) => {
        if (!isSlotMoving(error)) throw error;
        return viewLogApart(this.#redis, channel, after);
      }),
    );
  }

  history(channel: string, query: HistoryQuery, ageMs: number): Promise<HistoryPage> {
    return asking(this.#redis, () => readHistory(this.#scripts, channel, query, ageMs));
  }

  async cut(channel: string, top: Position, ttlMs: number): Promise<void> {
    const { cut } = channelKeys(channel);
    await asking(this.#redis, () => this.#redis.set(cut, top, 'PX', ttlMs));
  }

  publish(
    channel: string,
    body: Body,
    history: HistoryOptions,
    key?: string,
  ): Promise<PublishOutcome> {
    return this.#publisher.toChannel(channel, body, history, key);
  }

  async #listen(channel: string, listeners: number): Promise<Position> {
    const { subscribers, top, log } = channelKeys(channel);
    const partition = partitionOfChannel(channel);
    const watched = clientOfChannel(channel);
    const reply = await asking(this.#redis, () =>
      this.#scripts.run(
        'listen',
        [
          subscribers,
          channelsKey(partition),
          top,
          log,
          presenceKey(partition),
          lastSeenKey(partition),
        ],
        [
          channel,
          this.#edge.id,
          listeners,
          occupancyChannel(partition),
          watched ?? '',
          ...(watched === null ? [] : announcementArgs(channel, this.#presenceHistory)),
        ],
      ),
    );
    const [, nowMs, topNow] = reply as [number, number, string];
    return positionOf(topNow === '' ? null : topNow, nowMs);
  }
}
