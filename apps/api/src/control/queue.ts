/** Reads the queue of a client. */

import { comparePositions, type LogEntry, ORIGIN, type Position } from '@halley/shared/protocol';
import { type CommandClient, clientKeys, readStream, type Scripts } from '@halley/shared/redis';

export interface QueuePage {
  readonly entries: readonly LogEntry[];
  readonly acked: Position | null;
  readonly more: boolean;
}

export async function readQueue(
  scripts: Scripts,
  redis: CommandClient,
  clientId: string,
  { after = ORIGIN, limit }: { readonly after?: Position | undefined; readonly limit: number },
  ageMs: number,
): Promise<QueuePage> {
  const { queue, queueTop, acked } = clientKeys(clientId);
  const [page, stored] = await Promise.all([
    readStream(scripts, { log: queue, top: queueTop }, { after, limit }, ageMs),
    redis.get(acked),
  ]);
  return { entries: page.entries, acked: validAck(stored, page.top), more: page.more };
}

/** An acknowledgement above the queue's top is of a queue that was lost: it counts as none. */
function validAck(acked: Position | null, top: Position | null): Position | null {
  return acked !== null && top !== null && comparePositions(acked, top) <= 0 ? acked : null;
}
