/**
 * Every key and every pub/sub channel of Halley. `{p}` is a partition: a Redis Cluster hash tag, so
 * that all keys that one script touches share a slot and an edge resubscribes in few commands.
 */

import { clientOfChannel } from '../protocol/index.js';
import { crc16 } from './crc16.js';

export const PARTITION_COUNT = 256;
const SLOTS_PER_PARTITION = 16_384 / PARTITION_COUNT;

/**
 * Tag i lies in the slots 64i..64i+63, so partitions spread over any number of masters as evenly as
 * slots do; the plain numbers 0..255 differ by 1.5 x on 6 masters. Changing it would move every key.
 */
export const TAGS: readonly number[] = [
  460, 14, 278, 10, 274, 100, 270, 18, 113, 267, 117, 263, 346, 473, 342, 477, 131, 245, 29, 241,
  25, 451, 21, 249, 3, 36, 7, 32, 256, 122, 252, 126, 201, 69, 205, 171, 209, 61, 411, 65, 72, 406,
  76, 402, 166, 212, 162, 216, 50, 238, 54, 420, 58, 230, 140, 234, 223, 157, 227, 153, 437, 43,
  433, 47, 461, 15, 279, 11, 275, 101, 271, 19, 112, 266, 116, 262, 347, 472, 343, 476, 130, 244,
  28, 240, 24, 450, 20, 248, 2, 37, 6, 33, 257, 123, 253, 127, 200, 68, 204, 170, 208, 60, 410, 64,
  73, 407, 77, 403, 167, 213, 163, 217, 51, 239, 55, 421, 59, 231, 141, 235, 222, 156, 226, 152,
  436, 42, 432, 46, 16, 462, 12, 466, 102, 276, 106, 272, 265, 111, 261, 115, 471, 119, 269, 340,
  247, 133, 243, 137, 453, 27, 457, 23, 34, 1, 30, 5, 120, 9, 38, 250, 177, 203, 173, 207, 63, 417,
  67, 413, 218, 70, 400, 74, 210, 78, 214, 160, 426, 52, 422, 56, 232, 146, 236, 142, 49, 221, 151,
  225, 41, 229, 45, 431, 17, 463, 13, 467, 103, 277, 107, 273, 264, 110, 260, 114, 470, 118, 268,
  341, 246, 132, 242, 136, 452, 26, 456, 22, 35, 0, 31, 4, 121, 8, 39, 251, 176, 202, 172, 206, 62,
  416, 66, 412, 219, 71, 401, 75, 211, 79, 215, 161, 427, 53, 423, 57, 233, 147, 237, 143, 48, 220,
  150, 224, 40, 228, 44, 430,
];

/** Index of the partition of a client name. */
export function partitionOfClient(clientId: string): number {
  return crc16(clientId) % PARTITION_COUNT;
}

/**
 * Index of the partition of a channel name. `@client:` channels live with their client: the script
 * that changes the client's presence writes the event too.
 */
export function partitionOfChannel(channel: string): number {
  return crc16(clientOfChannel(channel) ?? channel) % PARTITION_COUNT;
}

/** The slot of a partition, for whoever must know which master serves it. */
export function slotOfPartition(partition: number): number {
  return crc16(String(TAGS[partition])) % 16_384;
}

/** The slot of a key or channel with a hash tag. */
export function slotOfKey(key: string): number {
  const open = key.indexOf('{');
  const close = key.indexOf('}', open);
  return crc16(key.slice(open + 1, close)) % 16_384;
}

export function partitionOfSlot(slot: number): number {
  return Math.floor(slot / SLOTS_PER_PARTITION);
}

const PREFIXES = TAGS.map((tag) => `halley:{${tag}}:`);

function prefix(partition: number): string {
  const found = PREFIXES[partition];
  if (found === undefined) throw new RangeError(`no partition ${partition}`);
  return found;
}

/** The keys of one channel; all in its partition. Each is made when it is asked for. */
class ChannelKeys {
  readonly partition: number;
  readonly #prefix: string;
  readonly #channel: string;

  constructor(channel: string) {
    this.partition = partitionOfChannel(channel);
    this.#prefix = prefix(this.partition);
    this.#channel = channel;
  }

  get log(): string {
    return `${this.#prefix}log:${this.#channel}`;
  }

  get top(): string {
    return `${this.#prefix}top:${this.#channel}`;
  }

  get cut(): string {
    return `${this.#prefix}cut:${this.#channel}`;
  }

  get subscribers(): string {
    return `${this.#prefix}subscribers:${this.#channel}`;
  }

  get members(): string {
    return `${this.#prefix}members:${this.#channel}`;
  }

  get live(): string {
    return `${this.#prefix}ch:${this.#channel}`;
  }

  /** Number of the last message, where the namespace numbers them. */
  get number(): string {
    return `${this.#prefix}number:${this.#channel}`;
  }

  /** Token of the iComet door. */
  get icometToken(): string {
    return `${this.#prefix}icomettoken:${this.#channel}`;
  }
}

export function channelKeys(channel: string): ChannelKeys {
  return new ChannelKeys(channel);
}

/** Names of the live channels of a partition. */
export function channelsKey(partition: number): string {
  return `${prefix(partition)}channels`;
}

/** Channels of a partition in which an edge has members. */
export function joinedKey(partition: number, edgeId: string): string {
  return `${prefix(partition)}joined:${edgeId}`;
}

/** The keys of one client; all in its partition. Each is made when it is asked for. */
class ClientKeys {
  readonly partition: number;
  readonly #prefix: string;
  readonly #clientId: string;

  constructor(clientId: string) {
    this.partition = partitionOfClient(clientId);
    this.#prefix = prefix(this.partition);
    this.#clientId = clientId;
  }

  get queue(): string {
    return `${this.#prefix}queue:${this.#clientId}`;
  }

  get queueTop(): string {
    return `${this.#prefix}queuetop:${this.#clientId}`;
  }

  get acked(): string {
    return `${this.#prefix}acked:${this.#clientId}`;
  }

  get presence(): string {
    return `${this.#prefix}presence`;
  }

  get lastSeen(): string {
    return `${this.#prefix}lastseen`;
  }
}

export function clientKeys(clientId: string): ClientKeys {
  return new ClientKeys(clientId);
}

export function presenceKey(partition: number): string {
  return `${prefix(partition)}presence`;
}

export function lastSeenKey(partition: number): string {
  return `${prefix(partition)}lastseen`;
}

/**
 * The length keeps `room:57` + `k` apart from `room` + `57:k`; the slash, which no channel name
 * holds, keeps a client apart from a channel of its name.
 */
export function channelOnceKey(channel: string, key: string): string {
  return `${prefix(partitionOfChannel(channel))}once:${channel.length}:${channel}:${key}`;
}

export function clientOnceKey(clientId: string, key: string): string {
  const p = prefix(partitionOfClient(clientId));
  return `${p}once:${clientId.length + 1}:/${clientId}:${key}`;
}

/** Pub/sub: private messages and control for one edge, one channel per partition. */
export function edgeChannel(partition: number, edgeId: string): string {
  return `${prefix(partition)}edge:${edgeId}`;
}

/** All pub/sub channels of an edge, by partition. */
export function edgeChannels(edgeId: string): string[] {
  return Array.from({ length: PARTITION_COUNT }, (_, partition) => edgeChannel(partition, edgeId));
}

/** Pub/sub: `1 <channel>` when a channel of the partition got its first subscriber, `0 <channel>` after its last. */
export function occupancyChannel(partition: number): string {
  return `${prefix(partition)}occupancy`;
}

/** A session of the DPS door. */
export function dpsSessionKey(session: string): string {
  return `${prefix(partitionOfClient(session))}dps:${session}`;
}

/** Pub/sub: answers to one api. */
export function apiChannel(apiId: string): string {
  return `${prefix(0)}api:${apiId}`;
}

/** A key of the partition of a pub/sub channel, for the script that proves a connection alive. */
export function probeKey(pubsubChannel: string): string {
  return `${pubsubChannel.slice(0, pubsubChannel.indexOf('}') + 1)}:probe`;
}

/** Pub/sub: control for all edges. */
export const ALL_EDGES_CHANNEL = `${prefix(0)}all`;
export const EDGES_KEY = 'halley:edges';
/** Written by each look at the heartbeats, in their slot: who looks must be able to write there too. */
export const LAST_LOOK_KEY = `{${EDGES_KEY}}:look`;
export const REVOKED_KEY = 'halley:revoked';

/** @param name of an API key */
export function rateKey(name: string): string {
  return `halley:rate:${name}`;
}

export function heartbeatKey(edgeId: string): string {
  return `halley:edge:${edgeId}`;
}

export function tombstoneKey(edgeId: string): string {
  return `halley:edge:${edgeId}:dead`;
}

/** The channel name behind a pub/sub channel `halley:{p}:ch:<channel>`. */
export function channelOfLive(live: string): string {
  return live.slice(live.indexOf('}') + ':ch:'.length + 1);
}
