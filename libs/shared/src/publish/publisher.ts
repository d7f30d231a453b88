/**
 * The one way in. Messages of one event-loop turn travel in one script call (in a Cluster: one per
 * partition), which costs Redis a third less than a call each.
 */

import { randomBase36 } from '../ops/id.js';
import {
  AROUND_CHANNEL,
  type Body,
  CLIENT_CHANNEL_PREFIX,
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
import { channelKeys, channelOnceKey, clientKeys, clientOnceKey } from '../redis/keys.js';
import type { ScriptName, Scripts } from '../redis/scripts.js';
import type { FleetLoad } from './load.js';
import { Pending, type PendingLimits } from './pending.js';

/** How long an idempotency key is remembered, ms. */
export const ONCE_TTL_MS = 300_000;
const TTLS = [`${TOP_TTL_MS}`, `${ONCE_TTL_MS}`];
const QUEUE_FULL_RETRY_MS = 5_000;
/** In place of the number of edges: what stands before it is the error. */
const FAILED = -2;
/** Flags of a message in the scripts. */
const KEYED = 1;
const NUMBERED = 2;
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

/** One message on its way into a script. */
interface Item {
  readonly partition: number;
  /** In the script's order. */
  readonly keys: readonly string[];
  readonly body: Body;
  /** Nonce and flags. */
  readonly tag: string;
  /** Of the body. */
  readonly bytes: number;
}

interface ChannelItem extends Item {
  readonly history: ChannelHistory;
}

/** A script that takes many messages, and what stands in its call beside their keys. */
interface Way<I extends Item> {
  readonly script: ScriptName;
  argsOf(items: readonly I[]): string[];
}

/** What keeps a publisher from taking more than can be stored and delivered. */
export interface PublishBounds {
  readonly pending: PendingLimits;
  readonly load: FleetLoad;
}

export class Publisher {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #channels: Batcher<ChannelItem, PublishOutcome>;
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
    const groupOf = redis.isCluster ? (item: Item) => item.partition : () => 0;
    const channels: Way<ChannelItem> = { script: 'publish', argsOf: channelArgs };
    this.#channels = new Batcher<ChannelItem, PublishOutcome>(
      SCRIPT_MAX_MESSAGES,
      groupOf,
      (items) => this.#deliver(channels, items),
    );
    const limits = [`${queue.seconds * 1_000}`, `${queue.maxMessages}`, PRIVATE_HEAD];
    const clients: Way<Item> = {
      script: 'publish-private',
      argsOf: (items) => [
        ...TTLS,
        ...limits,
        load.overloadedEdges.join(),
        ...items.flatMap(({ body, tag }) => [body, tag]),
      ],
    };
    this.#clients = new Batcher(SCRIPT_MAX_MESSAGES, groupOf, (items) =>
      this.#deliver(clients, items),
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
    const isNumbered = history.icomet === true;
    const keys = [names.log, names.top];
    if (isNumbered) keys.push(names.number);
    if (key !== undefined) keys.push(channelOnceKey(channel, key));
    const flags = (isNumbered ? NUMBERED : 0) + (key === undefined ? 0 : KEYED);
    const tag = randomBase36(4) + flags;
    return this.#channels.add({ bytes, partition: names.partition, keys, body, tag, history });
  }

  /** Never rejects: what cannot be published is a refusal. */
  toClient(clientId: string, body: Body, key?: string): Promise<PublishOutcome> {
    const bytes = Buffer.byteLength(body);
    const refused = this.#pending.add(bytes);
    if (refused !== null) return Promise.resolve(refused);
    const { partition, queue, queueTop, acked, presence } = clientKeys(clientId);
    const keys = [queue, queueTop, acked, presence];
    if (key !== undefined) keys.push(clientOnceKey(clientId, key));
    const tag = randomBase36(4) + (key === undefined ? 0 : KEYED);
    return this.#clients.add({ bytes, partition, keys, body, tag });
  }

  async #deliver<I extends Item>(
    way: Way<I>,
    items: readonly I[],
  ): Promise<(PublishOutcome | Promise<PublishOutcome>)[]> {
    const outcomes = await this.#send(way, items);
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
    void Promise.all(outcomes).then(() => this.#pending.remove(items.length, bytes));
    return outcomes;
  }

  async #send<I extends Item>(
    way: Way<I>,
    items: readonly I[],
  ): Promise<(PublishOutcome | Promise<PublishOutcome>)[]> {
    // Known to be away: nothing is sent, so nothing can be half done.
    if (this.#redis.status !== 'ready') return items.map(() => storeRefusal('unavailable'));
    const keys = items.flatMap((item) => item.keys);
    try {
      const call = this.#scripts.run(way.script, keys, way.argsOf(items));
      const answers = (await call) as (string | number)[];
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
          const [outcome = refusalOf(error)] = await this.#send(way, [item]);
          return outcome;
        });
      }
      const refused = refusalOf(error);
      return items.map(() => refused);
    }
  }
}

/** Histories that messages have in common are said once. */
function channelArgs(items: readonly ChannelItem[]): string[] {
  const histories: ChannelHistory[] = [];
  const messages: string[] = [];
  for (const { body, tag, history } of items) {
    let index = histories.indexOf(history);
    if (index === -1) index = histories.push(history) - 1;
    messages.push(body, tag + (index + 1));
  }
  const limits = histories.flatMap(({ historySize, historySeconds }) => [
    `${historySize}`,
    `${historySeconds * 1_000}`,
  ]);
  return [...TTLS, ...AROUND_CHANNEL, `${histories.length}`, ...limits, ...messages];
}

function outcomeOf(position: string, edges: number): PublishOutcome {
  if (edges >= 0) return { id: position, edges };
  if (edges === -1) return { id: position, edges: 0, repeated: true };
  if (edges === FAILED) return refusalOf(new Error(position));
  if (edges === -4) return retryLater(refusal('overloaded', OVERLOADED_EDGE));
  return { ...refusal('queue-full'), retryAfterMs: QUEUE_FULL_RETRY_MS };
}
