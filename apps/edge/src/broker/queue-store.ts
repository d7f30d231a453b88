import { clientChannel, type LogView, type Position } from '@halley/shared/protocol';
import {
  announcementArgs,
  announcementLimits,
  announcementOf,
  BatchedScript,
  type CommandClient,
  channelKeys,
  clientKeys,
  parseView,
  type Scripts,
} from '@halley/shared/redis';
import type { HistoryOptions, QueueStore } from '../core/ports/stores.js';
import { asking } from './calls.js';
import type { EdgeIdentity } from './edge-identity.js';

/** Clients' queues and presence in Redis. */
export class RedisQueueStore implements QueueStore {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #connects: BatchedScript;
  readonly #disconnects: BatchedScript;
  readonly #queueMs: number;
  readonly #presenceHistory: HistoryOptions;

  constructor(
    redis: CommandClient,
    scripts: Scripts,
    edge: EdgeIdentity,
    queueMs: number,
    presenceHistory: HistoryOptions,
  ) {
    this.#redis = redis;
    this.#scripts = scripts;
    const limits = announcementLimits(presenceHistory);
    this.#connects = new BatchedScript(redis, scripts, 'connect', () => [edge.id, ...limits]);
    this.#disconnects = new BatchedScript(redis, scripts, 'disconnect', () => [edge.id]);
    this.#queueMs = queueMs;
    this.#presenceHistory = presenceHistory;
  }

  async connect(clientId: string, after: Position | null): Promise<LogView> {
    const { partition, presence, queue, queueTop, acked } = clientKeys(clientId);
    const channel = clientChannel(clientId);
    const { subscribers, log, top } = channelKeys(channel);
    const reply = await asking(this.#redis, () =>
      this.#connects.run({
        partition,
        keys: [presence, queue, queueTop, acked, subscribers, log, top],
        args: [clientId, after ?? '', ...announcementOf(channel)],
      }),
    );
    return parseView(reply);
  }

  async disconnect(clientId: string): Promise<{ edges: number; watched: boolean }> {
    const { partition, presence, lastSeen } = clientKeys(clientId);
    const { subscribers } = channelKeys(clientChannel(clientId));
    const reply = await asking(this.#redis, () =>
      this.#disconnects.run({
        partition,
        keys: [presence, lastSeen, subscribers],
        args: [clientId],
      }),
    );
    const [edges, watched] = reply as [number, number];
    return { edges, watched: watched === 1 };
  }

  async offline(clientId: string): Promise<void> {
    const { presence, lastSeen } = clientKeys(clientId);
    const channel = clientChannel(clientId);
    const { subscribers, log, top } = channelKeys(channel);
    await asking(this.#redis, () =>
      this.#scripts.run(
        'offline',
        [presence, lastSeen, subscribers, log, top],
        [clientId, ...announcementArgs(channel, this.#presenceHistory)],
      ),
    );
  }

  async acked(clientId: string, position: Position): Promise<void> {
    const { acked, queueTop } = clientKeys(clientId);
    await asking(this.#redis, () =>
      this.#scripts.run('acked', [acked, queueTop], [position, 2 * this.#queueMs]),
    );
  }
}
