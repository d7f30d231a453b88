/** What a run needs of a fleet and its Redis; and the faults that this Redis can have. */

import type { Position } from '@halley/shared/protocol';
import { channelKeys, clientKeys } from '@halley/shared/redis';
import type { Fleet } from '../kit/fleet.js';
import type { Random } from '../kit/random.js';
import { OPEN } from '../kit/streams.js';
import { clientOfQueue, type Stream } from './history.js';

export interface Fault {
  readonly name: string;
  /** Neither Redis nor the way to it is touched: nobody may be told of a loss that is none. */
  readonly isOutsideRedis?: boolean;
  /** Injects, waits, takes the cause away; resolves then. */
  inject(world: World, random: Random): Promise<void>;
}

export interface World {
  readonly name: string;
  readonly redisUrl: string;
  readonly fleet: Fleet;
  readonly faults: readonly Fault[];
  /** Ids that the log of a channel, or the queue of a client (`queueOf`), holds now. */
  storedIds(stream: Stream): Promise<ReadonlySet<Position>>;
  stop(): Promise<void>;
}

/** Messages that a log of these worlds keeps: fewer come between two looks at it. */
export const LOG_SIZE = 2_000;

/** Namespaces of a run: `plain`, and `room` with members. */
export const CONFIG = {
  namespaces: {
    plain: { ...OPEN, historySize: LOG_SIZE, historySeconds: 3_600 },
    room: { ...OPEN, historySize: LOG_SIZE, historySeconds: 3_600, members: true },
  },
} as const;

/** The part of an ioredis client, single or cluster, that a look takes. */
interface StreamReader {
  xrange(key: string, start: string, end: string): Promise<[id: string, fields: string[]][]>;
}

export async function readIds(redis: StreamReader, stream: Stream): Promise<Set<Position>> {
  const clientId = clientOfQueue(stream);
  const key = clientId === null ? channelKeys(stream).log : clientKeys(clientId).queue;
  const entries = await redis.xrange(key, '-', '+');
  return new Set(entries.map(([id, [, stored = '']]) => `${id}.${stored.split(' ', 2)[1] ?? ''}`));
}
