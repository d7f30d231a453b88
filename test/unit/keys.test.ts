import { RedisChannelStore } from '@halley/edge/dist/broker/channel-store.js';
import { EdgeIdentity } from '@halley/edge/dist/broker/edge-identity.js';
import { RedisMemberStore } from '@halley/edge/dist/broker/member-store.js';
import { RedisQueueStore } from '@halley/edge/dist/broker/queue-store.js';
import { clientChannel, isClientId, SCRIPT_MAX_MESSAGES } from '@halley/shared/protocol';
import { Publisher } from '@halley/shared/publish';
import {
  ALL_EDGES_CHANNEL,
  apiChannel,
  type CommandClient,
  channelKeys,
  channelOfLive,
  channelOnceKey,
  channelsKey,
  clientKeys,
  clientOnceKey,
  edgeChannel,
  joinedKey,
  PARTITION_COUNT,
  partitionOfChannel,
  partitionOfClient,
  partitionOfSlot,
  presenceKey,
  probeKey,
  readHistory,
  Scripts,
  type ShardSubscriber,
  slotOfKey,
  slotOfPartition,
  TAGS,
  viewLog,
} from '@halley/shared/redis';
import { describe, expect, it } from 'vitest';
import { UNBOUNDED } from '../kit/publishers.js';
import { Random } from '../kit/random.js';

const CHANNEL_ALPHABET = 'abcxyzABC0189_-=@,.;:~';
const HOSTILE_NAMES = [
  '{0}',
  '}{',
  '{}',
  '{',
  '}',
  ':',
  '/',
  '//',
  'once:1:a',
  '\u00e9{1}',
  '*',
  '~',
];

/** CRC16-XMODEM bit by bit, as the Cluster specification defines it. */
function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag, 'utf8')) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1)
      crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc % 16_384;
}

/** What Redis Cluster hashes: what stands between the first `{` and the first `}` after it. */
function tagOf(key: string): string {
  const open = key.indexOf('{');
  const close = key.indexOf('}', open);
  return open !== -1 && close > open + 1 ? key.slice(open + 1, close) : key;
}

function randomChannel(random: Random): string {
  return random.text(CHANNEL_ALPHABET, random.int(1, 30));
}

function randomClient(random: Random): string {
  if (random.chance(0.2)) return random.pick(HOSTILE_NAMES);
  const name = random.text('ab{}:/,~ *\u00e9\u{1f600}\ufeff', random.int(1, 20));
  return isClientId(name) ? name : 'ann';
}

describe('the table of tags', () => {
  it('knows the slots of the Cluster specification', () => {
    expect(slotOf('123456789')).toBe(0x31c3 % 16_384);
  });

  it('puts tag i into the slots 64i..64i+63', () => {
    expect(TAGS).toHaveLength(PARTITION_COUNT);
    for (const [index, tag] of TAGS.entries()) {
      expect(Math.floor(slotOf(String(tag)) / 64), `tag ${index}`).toBe(index);
      expect(slotOfPartition(index)).toBe(slotOf(String(tag)));
      expect(partitionOfSlot(slotOf(String(tag)))).toBe(index);
    }
  });

  it('holds no tag twice', () => {
    expect(new Set(TAGS).size).toBe(PARTITION_COUNT);
  });

  it('spreads names evenly', () => {
    const counts = new Array<number>(PARTITION_COUNT).fill(0);
    for (let user = 0; user < 100_000; user += 1) {
      const partition = partitionOfClient(`user:${user}`);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    const mean = 100_000 / PARTITION_COUNT;
    expect(Math.max(...counts)).toBeLessThan(1.2 * mean);
    expect(Math.min(...counts)).toBeGreaterThan(0.8 * mean);
  });
});

/** All keys that an object makes when they are asked for. */
function valuesOf(keys: object): string[] {
  const getters = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(keys) as object);
  const names = Object.keys(getters).filter((name) => name !== 'constructor');
  expect(names.length).toBeGreaterThan(1);
  return names.map((name) => String(Reflect.get(keys, name)));
}

describe('keys', () => {
  it('of a channel carry the tag of its partition', () => {
    const random = new Random(6);
    for (let run = 0; run < 3_000; run += 1) {
      const channel = randomChannel(random);
      const partition = slotOf(channel);
      const tag = String(TAGS[partitionOfChannel(channel)]);
      expect(partitionOfChannel(channel)).toBe(partition % PARTITION_COUNT);
      const keys = [...valuesOf(channelKeys(channel)), channelOnceKey(channel, 'k{1}')];
      expect(new Set(keys.map(tagOf))).toEqual(new Set([tag]));
      expect(channelOfLive(channelKeys(channel).live)).toBe(channel);
    }
  });

  it('of a client carry one tag, and so do those of its presence channel', () => {
    const random = new Random(7);
    for (let run = 0; run < 3_000; run += 1) {
      const client = randomClient(random);
      const partition = partitionOfClient(client);
      const keys = [
        ...valuesOf(clientKeys(client)),
        ...valuesOf(channelKeys(clientChannel(client))),
        clientOnceKey(client, '}k{'),
        presenceKey(partition),
        channelsKey(partition),
        joinedKey(partition, 'abcd1234'),
        edgeChannel(partition, 'abcd1234'),
        probeKey(edgeChannel(partition, 'abcd1234')),
      ];
      expect(new Set(keys.map(tagOf)), client).toEqual(new Set([String(TAGS[partition])]));
      for (const key of keys) expect(slotOfKey(key)).toBe(slotOf(tagOf(key)));
    }
  });

  it('for all edges and for one api lie in partition 0', () => {
    for (const key of [ALL_EDGES_CHANNEL, apiChannel('abcd1234')]) {
      expect(tagOf(key)).toBe(String(TAGS[0]));
    }
  });

  it('refuse a partition that does not exist', () => {
    expect(() => presenceKey(PARTITION_COUNT)).toThrow(RangeError);
    expect(() => presenceKey(-1)).toThrow(RangeError);
  });
});

describe('idempotency keys', () => {
  it.each([
    { one: channelOnceKey('room:57', 'k'), other: channelOnceKey('room', '57:k') },
    { one: channelOnceKey('a', 'b:c'), other: channelOnceKey('a:b', 'c') },
    { one: channelOnceKey('room', 'k'), other: clientOnceKey('room', 'k') },
    { one: clientOnceKey('a', 'b:c'), other: clientOnceKey('a:b', 'c') },
    { one: clientOnceKey('a', '/a:b'), other: clientOnceKey('a:/a', 'b') },
  ])('$one is not $other', ({ one, other }) => {
    expect(one).not.toBe(other);
  });

  it('are told apart whatever the names are', () => {
    const random = new Random(8);
    const owners = new Map<string, string>();
    for (let run = 0; run < 20_000; run += 1) {
      // Short names of few characters, so that every ambiguity comes up.
      const isClient = random.chance(0.5);
      const name = random.text(isClient ? 'a:/1' : 'a:1', random.int(1, 5));
      const key = random.text('a:/1', random.int(1, 5));
      const once = isClient ? clientOnceKey(name, key) : channelOnceKey(name, key);
      const owner = JSON.stringify([isClient, name, key]);
      expect(owners.get(once) ?? owner).toBe(owner);
      owners.set(once, owner);
    }
  });
});

interface Call {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** Stands where ioredis does and keeps what would be sent: which keys meet in one script. */
function recorder(): { redis: CommandClient; calls: Call[] } {
  const calls: Call[] = [];
  const redis = {
    status: 'ready',
    isCluster: true,
    defineCommand(name: string, { numberOfKeys }: { readonly numberOfKeys?: number }) {
      Reflect.set(redis, name, (...given: readonly unknown[]) => {
        const texts = given.map(String);
        // Where the number of keys varies it is the first argument.
        const count = numberOfKeys ?? Number(texts.shift());
        calls.push({ keys: texts.slice(0, count), args: texts.slice(count) });
        // One for each item of a script that takes many.
        return Promise.resolve(Array.from({ length: SCRIPT_MAX_MESSAGES }, () => []));
      });
    },
  };
  return { redis: redis as unknown as CommandClient, calls };
}

function expectOneTagEach(calls: readonly Call[]): void {
  for (const { keys, args } of calls) {
    expect(keys.length).toBeGreaterThan(0);
    const touched = [...keys, ...args.filter((arg) => arg.startsWith('halley:'))];
    expect(new Set(touched.map(tagOf)).size, touched.join(' ')).toBe(1);
  }
}

describe('what meets in one script', () => {
  it('has one tag', async () => {
    const { redis, calls } = recorder();
    const scripts = new Scripts(redis);
    const publisher = new Publisher(redis, scripts, { seconds: 60, maxMessages: 1_000 }, UNBOUNDED);
    const random = new Random(9);
    const history = { historySize: 100, historySeconds: 300 };
    const sent: Promise<unknown>[] = [];
    for (let run = 0; run < 3_000; run += 1) {
      const key = random.chance(0.5) ? [random.text('ab{}:', 4)] : [];
      const channel = randomChannel(random);
      sent.push(publisher.toChannel(channel, '"data":1', history, ...key));
      sent.push(publisher.toClient(randomClient(random), '"data":1', ...key));
      sent.push(viewLog(scripts, channel, null));
      sent.push(readHistory(scripts, channel, { limit: 1 }, 1_000));
    }
    await Promise.all(sent);
    expect(calls.length).toBeGreaterThan(6_000);
    expectOneTagEach(calls);
  });

  it('has one tag where an edge speaks of its clients, channels and members', async () => {
    const { redis, calls } = recorder();
    const scripts = new Scripts(redis);
    const edge = new EdgeIdentity();
    const presence = { historySize: 1, historySeconds: 86_400 };
    const queues = new RedisQueueStore(redis, scripts, edge, 60_000, presence);
    const members = new RedisMemberStore(redis, scripts, edge);
    const publisher = new Publisher(redis, scripts, { seconds: 60, maxMessages: 1_000 }, UNBOUNDED);
    const unused = {} as ShardSubscriber;
    const channels = new RedisChannelStore(redis, scripts, unused, publisher, edge, presence);
    const random = new Random(10);
    for (let run = 0; run < 1_000; run += 1) {
      const client = randomClient(random);
      const channel = random.chance(0.5) ? clientChannel(client) : randomChannel(random);
      const change = { member: client, connections: 1, info: null, others: false, announce: true };
      await Promise.all([
        queues.connect(client, null),
        queues.disconnect(client),
        queues.offline(client),
        queues.acked(client, '1-1.abcd'),
        channels.report(channel, 1),
        members.set({ channel, ...change }),
      ]);
    }
    expect(calls).toHaveLength(6_000);
    expectOneTagEach(calls);
  });
});
