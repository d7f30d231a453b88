/** Reads what Redis says about clients. */

import {
  type CommandClient,
  clientKeys,
  groupBy,
  lastSeenKey,
  partitionOfClient,
  presenceKey,
} from '@halley/shared/redis';

export interface ClientState {
  readonly clientId: string;
  readonly online: boolean;
  /** Unix ms of the last disconnect; null where there was none in the time that Redis remembers. */
  readonly lastSeen: number | null;
}

/** In the order of the names; two commands per partition, not per client. */
export async function readClients(
  redis: CommandClient,
  clientIds: readonly string[],
): Promise<ClientState[]> {
  const states = new Map<string, ClientState>();
  const groups = groupBy(new Set(clientIds), partitionOfClient);
  await Promise.all(
    [...groups].map(async ([partition, some]) => {
      for (const state of await readGroup(redis, partition, some))
        states.set(state.clientId, state);
    }),
  );
  return clientIds.flatMap((clientId) => states.get(clientId) ?? []);
}

async function readGroup(
  redis: CommandClient,
  partition: number,
  clientIds: readonly string[],
): Promise<ClientState[]> {
  const [edges, seen] = await Promise.all([
    redis.hmget(presenceKey(partition), ...clientIds),
    redis.zmscore(lastSeenKey(partition), ...clientIds),
  ]);
  return clientIds.map((clientId, index) => ({
    clientId,
    online: isNonEmpty(edges[index]),
    lastSeen: toNumber(seen[index]),
  }));
}

/** The edges that hold the client. */
export async function readEdgesOf(redis: CommandClient, clientId: string): Promise<string[]> {
  const list = await redis.hget(clientKeys(clientId).presence, clientId);
  return list ? list.split(',') : [];
}

function isNonEmpty(value: string | null | undefined): boolean {
  return value !== null && value !== undefined && value !== '';
}

function toNumber(score: unknown): number | null {
  return score === null || score === undefined ? null : Number(score);
}
