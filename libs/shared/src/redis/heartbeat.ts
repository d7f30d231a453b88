/** The heartbeat hash `halley:edge:<edgeId>`: what an edge says of itself every 2 s. Numbers as text. */

import type { CommandClient } from './client.js';
import { EDGES_KEY, heartbeatKey, tombstoneKey } from './keys.js';

export const HEARTBEAT_INTERVAL_MS = 2_000;
export const HEARTBEAT_TTL_MS = 10_000;

export interface Heartbeat {
  readonly edgeId: string;
  /** An address of the machine, for clients. */
  readonly url: string;
  /** The address of this process for operators: health and metrics. */
  readonly adminUrl: string;
  /** Unix ms. */
  readonly startedAt: number;
  readonly version: string;
  readonly draining: boolean;
  /** It gets more than it can deliver. */
  readonly overloaded: boolean;
  /** Open connections by wire. */
  readonly connections: Readonly<Record<string, number>>;
  readonly channels: number;
  readonly deliveredPerSecond: number;
  readonly bytesPerSecond: number;
  readonly backpressureBytes: number;
  readonly loopDelayP99Ms: number;
  readonly rssBytes: number;
  /** Share of one core, 0..1. */
  readonly cpu: number;
}

export interface BeatOutcome {
  /** A sweeper has declared this edge dead. */
  readonly isBuried: boolean;
  /** Redis held no heartbeat of this edge: it is the first, or the last one has expired or was lost. */
  readonly isNew: boolean;
  /** The edge was not in the list of edges, which does not expire. */
  readonly isUnlisted: boolean;
}

export async function writeHeartbeat(redis: CommandClient, beat: Heartbeat): Promise<BeatOutcome> {
  const key = heartbeatKey(beat.edgeId);
  const fields = Object.entries({ ...beat, connections: JSON.stringify(beat.connections) });
  // Not one script: the keys lie in different slots.
  const [tombstone, addedFields, , addedEdges] = await Promise.all([
    redis.get(tombstoneKey(beat.edgeId)),
    redis.hset(key, Object.fromEntries(fields.map(([name, value]) => [name, String(value)]))),
    redis.pexpire(key, HEARTBEAT_TTL_MS),
    redis.zadd(EDGES_KEY, String(Date.now()), beat.edgeId),
  ]);
  return { isBuried: tombstone !== null, isNew: addedFields > 0, isUnlisted: addedEdges > 0 };
}

/** An edge that leaves says so: nobody has to wait for its heartbeat to expire. */
export async function removeHeartbeat(redis: CommandClient, edgeId: string): Promise<void> {
  await Promise.all([redis.del(heartbeatKey(edgeId)), redis.zrem(EDGES_KEY, edgeId)]);
}

/**
 * An edge that takes a new id gives up the old one: it is not listed any more, and its last heartbeat stays
 * for the sweeper, since calls of the edge that were under way may still land under that id.
 */
export async function abandonHeartbeat(redis: CommandClient, edgeId: string): Promise<void> {
  await Promise.all([
    redis.del(heartbeatKey(edgeId)),
    redis.zadd(EDGES_KEY, String(Date.now()), edgeId),
  ]);
}

/** The edges whose heartbeat is alive. */
export async function readHeartbeats(redis: CommandClient): Promise<Heartbeat[]> {
  const edgeIds = await redis.zrange(EDGES_KEY, '0', '-1');
  const hashes = await Promise.all(edgeIds.map((edgeId) => redis.hgetall(heartbeatKey(edgeId))));
  return hashes.flatMap((hash) => (hash['edgeId'] === undefined ? [] : [parseHeartbeat(hash)]));
}

function parseHeartbeat(hash: Record<string, string>): Heartbeat {
  const text = (name: keyof Heartbeat) => hash[name] ?? '';
  const number = (name: keyof Heartbeat) => Number(hash[name] ?? 0);
  return {
    edgeId: text('edgeId'),
    url: text('url'),
    adminUrl: text('adminUrl'),
    startedAt: number('startedAt'),
    version: text('version'),
    draining: text('draining') === 'true',
    overloaded: text('overloaded') === 'true',
    connections: JSON.parse(text('connections') || '{}') as Record<string, number>,
    channels: number('channels'),
    deliveredPerSecond: number('deliveredPerSecond'),
    bytesPerSecond: number('bytesPerSecond'),
    backpressureBytes: number('backpressureBytes'),
    loopDelayP99Ms: number('loopDelayP99Ms'),
    rssBytes: number('rssBytes'),
    cpu: number('cpu'),
  };
}
