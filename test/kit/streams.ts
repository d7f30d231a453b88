/** What the tests of channels and queues share: open namespaces, many messages at once, metrics. */

import { isPosition, type Position } from '@halley/shared/protocol';
import { channelKeys } from '@halley/shared/redis';
import type { EdgeProcess } from './fleet.js';
import { connect, type FrameOf, type NativeClient, type Outgoing } from './native-client.js';
import type { TestRedis } from './redis.js';
import type { Exchange, RestClient } from './rest.js';
import { eventually } from './wait.js';

/** Rights of a namespace that asks nobody who they are. */
export const OPEN = {
  subscribe: 'anyone',
  publish: 'anyone',
  history: 'anyone',
  presence: 'anyone',
} as const;

/** Publishes in one batch, so that a thousand messages are one call; resolves with their positions. */
export async function publishAll(
  rest: RestClient,
  target: { readonly channel: string } | { readonly client: string },
  data: readonly unknown[],
): Promise<Position[]> {
  const messages = data.map((one) => ({ ...target, data: one }));
  return positionsOf(await rest.post('/messages', { messages }));
}

/** The position of each message of a batch. @throws Error where one was not accepted */
export function positionsOf(exchange: Exchange): Position[] {
  const { results } = exchange.body as { readonly results: readonly { readonly id?: unknown }[] };
  return results.map((result) => {
    if (isPosition(result.id)) return result.id;
    throw new Error(`a message was not accepted: ${JSON.stringify(result)}`);
  });
}

/** The numbers from `from` to before `to`, as data of messages. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

export interface Stored {
  readonly id: Position;
  readonly prev: Position;
}

/** A channel's log as Redis has it, oldest first. */
export async function readLog(redis: TestRedis, channel: string): Promise<Stored[]> {
  const entries = await redis.client.xrange(channelKeys(channel).log, '-', '+');
  return entries.map(([id, [, stored = '']]) => {
    const [prev = '', nonce = ''] = stored.split(' ', 2);
    return { id: `${id}.${nonce}`, prev };
  });
}

export function idsOf(messages: readonly { readonly id: Position }[]): Position[] {
  return messages.map(({ id }) => id);
}

export interface Resumed {
  readonly client: NativeClient;
  readonly answer: FrameOf<'subscribed'>;
  /** Positions of the replayed messages, in the order of their arrival. */
  readonly replayed: Position[];
}

/** A new connection that subscribes with these fields and takes its whole replay. */
export async function resume(
  edge: EdgeProcess,
  channel: string,
  fields: Outgoing,
): Promise<Resumed> {
  const client = await connect(edge.wsUrl);
  const answer = await client.subscribe(channel, fields);
  const messages = await client.waitForMessages(channel, answer.replayed ?? 0);
  return { client, answer, replayed: idsOf(messages.slice(0, answer.replayed ?? 0)) };
}

/** The value of a counter on the edge's admin address; labels are summed up. */
export async function counterOf(edge: EdgeProcess, name: string): Promise<number> {
  const page = await (await fetch(`${edge.adminUrl}/metrics`)).text();
  const samples = [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
  if (samples.length === 0 && !page.includes(`# TYPE ${name} `)) throw new Error(`no ${name}`);
  return samples.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The edge hears Redis, by its own word. */
export async function ready(edge: EdgeProcess): Promise<void> {
  const isReady = async () => (await fetch(`${edge.adminUrl}/readyz`)).ok;
  await eventually(isReady, `${edge.name} is ready`);
}

/**
 * Stops the edge, cuts the subscriber connections, does what must be missed, and lets the edge go on:
 * whatever is published in `meanwhile` can only reach it by a repair.
 */
export async function whileDeaf<T>(
  redis: TestRedis,
  edge: EdgeProcess,
  meanwhile: () => Promise<T>,
): Promise<T> {
  edge.pause();
  try {
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    return await meanwhile();
  } finally {
    edge.resume();
  }
}
