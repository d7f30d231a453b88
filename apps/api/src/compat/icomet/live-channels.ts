/** The channels of the fleet that have listeners now and that iComet serves. */

import type { Namespaces } from '@halley/shared/config';
import {
  type CommandClient,
  channelKeys,
  channelsKey,
  PARTITION_COUNT,
  reading,
} from '@halley/shared/redis';
import { PAGE_MAX_CHANNELS } from './limits.js';

/** Partitions that are asked at once: most of them hold little. */
const PARTITIONS_AT_ONCE = 16;

/**
 * Pages of names, none of them empty. A channel that comes or goes meanwhile may be in or not.
 * @throws RefusedError 503
 */
export async function* livePages(
  redis: CommandClient,
  namespaces: Namespaces,
): AsyncGenerator<string[]> {
  for (let first = 0; first < PARTITION_COUNT; first += PARTITIONS_AT_ONCE) {
    let open = Array.from({ length: PARTITIONS_AT_ONCE }, (_, index) => ({
      partition: first + index,
      after: '-',
    }));
    while (open.length > 0) {
      const pages = await reading(Promise.all(open.map((place) => readPage(redis, place))));
      const names = pages.flat().filter((channel) => namespaces.of(channel).icomet);
      if (names.length > 0) yield names;
      open = open.flatMap(({ partition }, index) => {
        const page = pages[index] ?? [];
        return page.length < PAGE_SHARE ? [] : [{ partition, after: `(${page.at(-1)}` }];
      });
    }
  }
}

const PAGE_SHARE = Math.ceil(PAGE_MAX_CHANNELS / PARTITIONS_AT_ONCE);

function readPage(
  redis: CommandClient,
  { partition, after }: { readonly partition: number; readonly after: string },
): Promise<string[]> {
  return redis.zrangebylex(channelsKey(partition), after, '+', 'LIMIT', 0, PAGE_SHARE);
}

export interface Census {
  readonly channels: number;
  readonly subscribers: number;
}

/** Takes as long as there are channels. @throws RefusedError 503 */
export async function takeCensus(redis: CommandClient, namespaces: Namespaces): Promise<Census> {
  let channels = 0;
  let subscribers = 0;
  for await (const names of livePages(redis, namespaces)) {
    const counts = await Promise.all(names.map((channel) => countSubscribers(redis, channel)));
    channels += names.length;
    subscribers += counts.reduce((sum, count) => sum + count, 0);
  }
  return { channels, subscribers };
}

/** On all edges. @throws RefusedError 503 */
export async function countSubscribers(redis: CommandClient, channel: string): Promise<number> {
  const byEdge = await reading(redis.hvals(channelKeys(channel).subscribers));
  return byEdge.reduce((sum, count) => sum + Number(count), 0);
}
