import type { Namespaces } from '@halley/shared/config';
import { clientChannel } from '@halley/shared/protocol';
import {
  announcementArgs,
  type CommandClient,
  channelKeys,
  channelsKey,
  chunks,
  clientKeys,
  type Grave,
  joinedKey,
  lastSeenKey,
  PARTITION_COUNT,
  pagesOfChannels,
  type Scripts,
  sweepMembers,
  sweepPresence,
  sweepSubscribers,
} from '@halley/shared/redis';

/** Partitions that are swept at the same time. */
const PARALLEL_PARTITIONS = 16;
const PARALLEL_ANNOUNCEMENTS = 50;
/** Clients of one partition that are read at once; one edge has no more there. */
const GONE_PAGE_CLIENTS = 10_000;

export interface SweepCounts {
  /** Clients that are gone with the edges. */
  clients: number;
  members: number;
  /** Channels that nobody holds any more. */
  channels: number;
}

/** Takes dead edges out of Redis: presence, members and subscribers, in bounded steps. */
export class EdgeSweep {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #namespaces: Namespaces;
  readonly #isStopped: () => boolean;

  constructor(
    redis: CommandClient,
    scripts: Scripts,
    namespaces: Namespaces,
    isStopped: () => boolean,
  ) {
    this.#redis = redis;
    this.#scripts = scripts;
    this.#namespaces = namespaces;
    this.#isStopped = isStopped;
  }

  /** One pass over everything, for all of these edges. @throws whatever Redis' client throws */
  async pass(graves: readonly Grave[]): Promise<SweepCounts> {
    const counts: SweepCounts = { clients: 0, members: 0, channels: 0 };
    // Presence first: it is what the others ask for.
    await this.#eachPartition(async (partition) => {
      await this.#presence(partition, graves, counts);
    });
    await this.#eachPartition(async (partition) => {
      for (const { edgeId } of graves) await this.#members(partition, edgeId, counts);
      await this.#subscribers(partition, graves, counts);
    });
    return counts;
  }

  /** Tells those who watch them of the clients that went with these edges and are not back. */
  async announce(graves: readonly Grave[]): Promise<void> {
    await this.#eachPartition(async (partition) => {
      for (const { seenMs } of graves) {
        const watched = await this.#watched(partition, await this.#gone(partition, seenMs));
        for (const some of chunks(watched, PARALLEL_ANNOUNCEMENTS)) {
          await Promise.all(some.map((clientId) => this.#tellOffline(clientId)));
        }
      }
    });
  }

  async #presence(partition: number, graves: readonly Grave[], counts: SweepCounts): Promise<void> {
    let cursor = '0';
    do {
      this.#goOn();
      const step = await sweepPresence(this.#scripts, partition, graves, cursor);
      cursor = step.cursor;
      counts.clients += step.gone;
    } while (cursor !== '0');
  }

  async #members(partition: number, edgeId: string, counts: SweepCounts): Promise<void> {
    const joined = joinedKey(partition, edgeId);
    let cursor = '0';
    do {
      const [next, channels] = await this.#redis.sscan(joined, cursor);
      for (const channel of channels) {
        this.#goOn();
        const { joinLeave } = this.#namespaces.of(channel);
        const left = await sweepMembers(this.#scripts, partition, edgeId, channel, joinLeave);
        counts.members += left;
      }
      cursor = next;
    } while (cursor !== '0');
  }

  async #subscribers(
    partition: number,
    graves: readonly Grave[],
    counts: SweepCounts,
  ): Promise<void> {
    const edgeIds = graves.map(({ edgeId }) => edgeId);
    for await (const channels of pagesOfChannels(this.#redis, partition)) {
      this.#goOn();
      const vacated = await sweepSubscribers(this.#scripts, partition, edgeIds, channels);
      counts.channels += vacated;
    }
  }

  /** The clients that went with an edge: all of them have its time. */
  async #gone(partition: number, seenMs: number): Promise<string[]> {
    const clients: string[] = [];
    for (;;) {
      this.#goOn();
      const page = await this.#redis.zrangebyscore(
        lastSeenKey(partition),
        seenMs,
        seenMs,
        'LIMIT',
        clients.length,
        GONE_PAGE_CLIENTS,
      );
      clients.push(...page);
      if (page.length < GONE_PAGE_CLIENTS) return clients;
    }
  }

  async #watched(partition: number, clients: readonly string[]): Promise<string[]> {
    if (clients.length === 0) return [];
    const scores = await this.#redis.zmscore(
      channelsKey(partition),
      ...clients.map((clientId) => clientChannel(clientId)),
    );
    return clients.filter((_, index) => scores[index] !== null);
  }

  async #tellOffline(clientId: string): Promise<void> {
    const { presence, lastSeen } = clientKeys(clientId);
    const channel = clientChannel(clientId);
    const { subscribers, log, top } = channelKeys(channel);
    await this.#scripts.run(
      'offline',
      [presence, lastSeen, subscribers, log, top],
      [clientId, ...announcementArgs(channel, this.#namespaces.of(channel))],
    );
  }

  /** @throws Error to end a job that another api will do again */
  #goOn(): void {
    if (this.#isStopped()) throw new Error('this api stops');
  }

  async #eachPartition(work: (partition: number) => Promise<void>): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < PARTITION_COUNT) {
        const partition = next;
        next += 1;
        await work(partition);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_PARTITIONS }, worker));
  }
}
