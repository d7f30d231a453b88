/**
 * The one way in. Messages of one event-loop turn travel in one script call (in a Cluster: one per
 * partition), which costs Redis a third less than a call each.
 */

import { randomBase36 } from '../ops/id.js';
import {
  type Body,
  CLIENT_CHANNEL_PREFIX,
  messageHead,
  PRIVATE_HEAD,
  type PublishOutcome,
  refusal,
  retryLater,
  SCRIPT_MAX_MESSAGES,
  TOP_TTL_MS,
} from '../protocol/index.js';
import { Batcher } from '../redis/batcher.js';
import type { CommandClient } from '../redis/client.js';
import { isReadOnly, isSlotMoving, refusalOf, storeRefusal } from '../redis/errors.js';
import {
  channelKeys,
  channelOnceKey,
  clientKeys,
  clientOnceKey,
  edgeChannelPrefix,
} from '../redis/keys.js';
import type { ScriptName, Scripts } from '../redis/scripts.js';
import type { FleetLoad } from './load.js';
import { Pending, type PendingLimits } from './pending.js';

/** How long an idempotency key is remembered, ms. */
export const ONCE_TTL_MS = 300_000;
const QUEUE_FULL_RETRY_MS = 5_000;
/** In place of the number of edges: what stands before it is the error. */
const FAILED = -2;
const OVERLOADED_EDGE = 'an edge of this client delivers less than it gets';

export interface ChannelHistory {
  readonly historySize: number;
  readonly historySeconds: number;
  /** The messages are numbered: each carries `number`, from 1. */
  readonly icomet?: boolean;
}

export interface QueueOptions {
  readonly seconds: number;
  readonly maxMessages: number;
}

/** One message on its way into a script: its keys and arguments in the script's order. */
interface Item {
  readonly partition: number;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  /** Of the message's body. */
  readonly bytes: number;
}

/** What keeps a publisher from taking more than can be stored and delivered. */
export interface PublishBounds {
  readonly pending: PendingLimits;
  readonly load: FleetLoad;
}

export class Publisher {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #channels: Batcher<Item, PublishOutcome>;
  readonly #clients: Batcher<Item, PublishOutcome>;
  readonly #pending: Pending;
  readonly #load: FleetLoad;

  constructor(
    redis: CommandClient,
    scripts: Scripts,
    queue: QueueOptions,
    { pending, load }: PublishBounds,
  ) {
    this.#pending = new Pending(pending);
    this.#load = load;
    this.#redis = redis;
    this.#scripts = scripts;
    const channelHead = [TOP_TTL_MS, ONCE_TTL_MS];
    const clientHead = [...channelHead, queue.seconds * 1_000, queue.maxMessages, PRIVATE_HEAD];
    const groupOf = redis.isCluster ? (item: Item) => item.partition : () => 0;
    this.#channels = new Batcher(SCRIPT_MAX_MESSAGES, groupOf, (items) =>
      this.#deliver('publish', channelHead, items),
    );
    this.#clients = new Batcher(SCRIPT_MAX_MESSAGES, groupOf, (items) =>
      this.#deliver('publish-private', [...clientHead, load.overloadedEdges.join()], items),
    );
  }

  /** Messages that wait for the store. */
  get pendingMessages(): number {
    return this.#pending.messages;
  }

  /** Never rejects: what cannot be published is a refusal. */
  toChannel(
    channel: string,
    body: Body,
    history: ChannelHistory,
    key?: string,
  ): Promise<PublishOutcome> {
    if (channel.startsWith(CLIENT_CHANNEL_PREFIX)) {
      return Promise.resolve(refusal('forbidden', 'presence channels are written by Halley alone'));
    }
    if (this.#load.isOverloaded) {
      const text = 'the edges deliver less than they get';
      return Promise.resolve(retryLater(refusal('overloaded', text)));
    }
    const bytes = Buffer.byteLength(body);
    const refused = this.#pending.add(bytes);
    if (refused !== null) return Promise.resolve(refused);
    const names = channelKeys(channel);
    const once = key === undefined ? [] : [channelOnceKey(channel, key)];
    const numbers = history.icomet === true ? [names.number] : [];
    return this.#channels.add({
      bytes,
      partition: names.partition,
      keys: [names.log, names.top, ...numbers, ...once],
      args: [
        names.live,
        messageHead(channel),
        body,
        randomBase36(4),
        history.historySize,
        history.historySeconds * 1_000,
        once.length + 2 * numbers.length,
      ],
    });
  }

  /** Never rejects: what cannot be published is a refusal. */
  toClient(clientId: string, body: Body, key?: string): Promise<PublishOutcome> {
    const bytes = Buffer.byteLength(body);
    const refused = this.#pending.add(bytes);
    if (refused !== null) return Promise.resolve(refused);
    const { partition, queue, queueTop, acked, presence } = clientKeys(clientId);
    const once = key === undefined ? [] : [clientOnceKey(clientId, key)];
    return this.#clients.add({
      bytes,
      partition,
      keys: [queue, queueTop, acked, presence, ...once],
      args: [clientId, edgeChannelPrefix(partition), body, randomBase36(4), once.length],
    });
  }

  async #deliver(
    script: ScriptName,
    head: readonly (string | number)[],
    items: readonly Item[],
  ): Promise<(PublishOutcome | Promise<PublishOutcome>)[]> {
    const outcomes = await this.#send(script, head, items);
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
    void Promise.all(outcomes).then(() => this.#pending.remove(items.length, bytes));
    return outcomes;
  }

  async #send(
    script: ScriptName,
    head: readonly (string | number)[],
    items: readonly Item[],
  ): Promise<(PublishOutcome | Promise<PublishOutcome>)[]> {
    // Known to be away: nothing is sent, so nothing can be half done.
    if (this.#redis.status !== 'ready') return items.map(() => storeRefusal('unavailable'));
    const keys: string[] = [];
    const args = [...head];
    for (const item of items) {
      keys.push(...item.keys);
      args.push(...item.args);
    }
    try {
      const answers = (await this.#scripts.run(script, keys, args)) as (string | number)[];
      // The script says it in its answer, where ioredis does not see it.
      if (answers.some((one, index) => one === FAILED && isReadOnly(String(answers[index - 1])))) {
        this.#redis.disconnect(true);
      }
      return items.map((_, index) =>
        outcomeOf(String(answers[2 * index]), Number(answers[2 * index + 1])),
      );
    } catch (error) {
      // One message whose keys lie on two nodes must not hold up those that go through. Nothing was done.
      if (isSlotMoving(error) && items.length > 1) {
        return items.map(async (item) => {
          const [outcome = refusalOf(error)] = await this.#send(script, head, [item]);
          return outcome;
        });
      }
      const refused = refusalOf(error);
      return items.map(() => refused);
    }
  }
}

function outcomeOf(position: string, edges: number): PublishOutcome {
  if (edges >= 0) return { id: position, edges };
  if (edges === -1) return { id: position, edges: 0, repeated: true };
  if (edges === FAILED) return refusalOf(new Error(position));
  if (edges === -4) return retryLater(refusal('overloaded', OVERLOADED_EDGE));
  return { ...refusal('queue-full'), retryAfterMs: QUEUE_FULL_RETRY_MS };
}
