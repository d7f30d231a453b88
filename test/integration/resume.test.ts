/**
 * Resume at every boundary, on three footings: an edge that never had the channel, one that has its
 * short tail, and one that read the whole log a moment ago and serves resumes from that.
 */

import type { Position } from '@halley/shared/protocol';
import { channelKeys } from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { field, RestClient } from '../kit/rest.js';
import { idsOf, numbers, OPEN, publishAll, readLog, resume } from '../kit/streams.js';
import { eventually } from '../kit/wait.js';

const NAMESPACES = {
  plain: { ...OPEN },
  small: { ...OPEN, historySize: 5 },
  short: { ...OPEN, historySeconds: 1 },
  none: { ...OPEN, historySize: 0 },
};
/** A log that is bounded to 5 keeps whole nodes of 512 bytes: far fewer than these. */
const FAR_MORE_THAN_KEPT = 60;

const FOOTINGS = ['cold', 'warm', 'loaded'] as const;
type Footing = (typeof FOOTINGS)[number];

interface Outcome {
  readonly recovered: boolean;
  readonly replayed: readonly Position[];
}

/** What a case asks for, and what it must get; an edge with a tail may be able to prove more. */
interface Scene {
  readonly after: Position;
  readonly expected: Outcome;
  readonly onFooting?: Partial<Record<Footing, Outcome>>;
}

interface Case {
  readonly title: string;
  readonly namespace: keyof typeof NAMESPACES;
  play(stage: Stage): Promise<Scene>;
}

let redis: TestRedis;
let fleet: Fleet;
let rest: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  const config = { namespaces: NAMESPACES };
  fleet = await startFleet({ redisUrl: redis.url, edges: 2, apis: 1, config });
  rest = new RestClient(fleet.api().url);
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

/** One channel, and all that was ever published to it. */
class Stage {
  readonly channel: string;
  readonly ids: Position[] = [];
  /** Position of somebody who subscribed before the first message. */
  readonly start: Position;
  readonly #keeper: NativeClient | null;

  constructor(channel: string, start: Position, keeper: NativeClient | null) {
    this.channel = channel;
    this.start = start;
    this.#keeper = keeper;
  }

  /** Publishes, and waits until an edge that has the channel has all of it. */
  async publish(count: number): Promise<void> {
    const data = numbers(this.ids.length, this.ids.length + count);
    this.ids.push(...(await publishAll(rest, { channel: this.channel }, data)));
    await this.#keeper?.waitForMessages(this.channel, this.ids.length);
  }

  /** The position of a message, counted from the end with negative numbers. */
  at(index: number): Position {
    const id = this.ids.at(index);
    if (id === undefined) throw new RangeError(`no message ${index}`);
    return id;
  }

  async logIsGone(): Promise<void> {
    const isGone = async () => (await redis.client.exists(channelKeys(this.channel).log)) === 0;
    await eventually(isGone, 'the log expires');
  }
}

const RESUMING_EDGE = 1;
const OTHER_EDGE = 0;
const FUTURE: Position = `${Date.now() + 3_600_000}-0.zzzz`;

/** On a cold footing somebody holds the channel on the other edge, so that nothing else differs. */
async function setStage(footing: Footing, channel: string): Promise<Stage> {
  const edge = fleet.edge(footing === 'cold' ? OTHER_EDGE : RESUMING_EDGE);
  const client = await connect(edge.wsUrl);
  const { position } = await client.subscribe(channel);
  // What nobody can prove makes the edge read the whole log.
  if (footing === 'loaded') await client.subscribe(channel, { after: FUTURE });
  return new Stage(channel, position, footing === 'cold' ? null : client);
}

const complete = (replayed: readonly Position[] = []): Outcome => ({ recovered: true, replayed });
const unproved = (replayed: readonly Position[] = []): Outcome => ({ recovered: false, replayed });

const CASES: readonly Case[] = [
  {
    title: 'nothing missed',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(5);
      return { after: stage.at(-1), expected: complete() };
    },
  },
  {
    title: 'one missed',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(5);
      return { after: stage.at(-2), expected: complete(stage.ids.slice(-1)) };
    },
  },
  {
    title: 'all but the first missed, more than a tail keeps',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(60);
      return { after: stage.at(0), expected: complete(stage.ids.slice(1)) };
    },
  },
  {
    title: 'the last trimmed message seen: the log begins right after it',
    namespace: 'small',
    play: async (stage) => {
      await stage.publish(FAR_MORE_THAN_KEPT);
      const log = await readLog(redis, stage.channel);
      const after = log[0]?.prev ?? '';
      expect(stage.ids).toContain(after);
      return { after, expected: complete(idsOf(log)) };
    },
  },
  {
    title: 'the last trimmed message missed',
    namespace: 'small',
    play: async (stage) => {
      await stage.publish(FAR_MORE_THAN_KEPT);
      const log = await readLog(redis, stage.channel);
      const lost = stage.ids.indexOf(log[0]?.prev ?? '');
      const inTail = complete(stage.ids.slice(lost));
      return {
        after: stage.at(lost - 1),
        expected: unproved(idsOf(log)),
        onFooting: { warm: inTail, loaded: inTail },
      };
    },
  },
  {
    title: 'trimmed from the log and from the short tail',
    namespace: 'small',
    play: async (stage) => {
      await stage.publish(FAR_MORE_THAN_KEPT);
      const log = idsOf(await readLog(redis, stage.channel));
      return {
        after: stage.at(2),
        expected: unproved(log),
        onFooting: { loaded: complete(stage.ids.slice(3)) },
      };
    },
  },
  {
    title: 'nothing ever published, 0-T',
    namespace: 'plain',
    play: async (stage) => {
      expect(stage.start).toMatch(/^0-\d+$/);
      return { after: stage.start, expected: complete() };
    },
  },
  {
    title: 'all since 0-T missed',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(30);
      return { after: stage.start, expected: complete(stage.ids) };
    },
  },
  {
    title: '0-T, and trimmed since',
    namespace: 'small',
    play: async (stage) => {
      await stage.publish(FAR_MORE_THAN_KEPT);
      const log = idsOf(await readLog(redis, stage.channel));
      return {
        after: stage.start,
        expected: unproved(log),
        onFooting: { loaded: complete(stage.ids) },
      };
    },
  },
  {
    title: 'a quiet channel whose last message has aged out',
    namespace: 'short',
    play: async (stage) => {
      await stage.publish(3);
      await stage.logIsGone();
      return { after: stage.at(-1), expected: complete() };
    },
  },
  {
    title: 'a message missed that has aged out',
    namespace: 'short',
    play: async (stage) => {
      await stage.publish(3);
      await stage.logIsGone();
      const inTail = complete(stage.ids.slice(-1));
      return {
        after: stage.at(-2),
        expected: unproved(),
        onFooting: { warm: inTail, loaded: inTail },
      };
    },
  },
  {
    title: 'a log that is new after the old one aged out',
    namespace: 'short',
    play: async (stage) => {
      await stage.publish(3);
      await stage.logIsGone();
      const after = stage.at(-1);
      await stage.publish(2);
      return { after, expected: complete(stage.ids.slice(-2)) };
    },
  },
  {
    title: 'a position from the future',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(5);
      return { after: FUTURE, expected: unproved(stage.ids) };
    },
  },
  {
    title: 'the id of a message with the nonce of another',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(5);
      const after = stage.at(2).replace(/\.\w+$/, '.0000');
      return { after, expected: unproved(stage.ids) };
    },
  },
  {
    title: 'a deleted log, at its top',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(3);
      await redis.client.del(channelKeys(stage.channel).log);
      return { after: stage.at(-1), expected: complete() };
    },
  },
  {
    title: 'a deleted log, one missed',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(3);
      await redis.client.del(channelKeys(stage.channel).log);
      const inTail = complete(stage.ids.slice(-1));
      return {
        after: stage.at(-2),
        expected: unproved(),
        onFooting: { warm: inTail, loaded: inTail },
      };
    },
  },
  {
    title: 'a deleted log that goes on, at its former top',
    namespace: 'plain',
    play: async (stage) => {
      await stage.publish(3);
      const after = stage.at(-1);
      await redis.client.del(channelKeys(stage.channel).log);
      await stage.publish(2);
      return { after, expected: complete(stage.ids.slice(-2)) };
    },
  },
  {
    title: 'no history kept, nothing missed',
    namespace: 'none',
    play: async (stage) => {
      await stage.publish(3);
      return { after: stage.at(-1), expected: complete() };
    },
  },
  {
    title: 'no history kept, one missed',
    namespace: 'none',
    play: async (stage) => {
      await stage.publish(3);
      return { after: stage.at(-2), expected: unproved() };
    },
  },
  {
    title: 'no history kept, the first message missed',
    namespace: 'none',
    play: async (stage) => {
      await stage.publish(1);
      return { after: stage.start, expected: unproved() };
    },
  },
];

describe.each(FOOTINGS)('resume on a %s edge', (footing) => {
  const cases = CASES.map((scene, index) => ({ ...scene, index }));

  test.concurrent.each(cases)('$title', async ({ namespace, index, play }) => {
    const stage = await setStage(footing, `${namespace}:${footing}${index}`);
    const { after, expected, onFooting } = await play(stage);
    const resumed = await resume(fleet.edge(RESUMING_EDGE), stage.channel, { after });
    expect({ recovered: resumed.answer.recovered, replayed: resumed.replayed }).toEqual(
      onFooting?.[footing] ?? expected,
    );
    await goesOn(stage.channel, resumed.client, resumed.replayed);
  });
});

/** After the replay comes the next message, and nothing between them. */
async function goesOn(
  channel: string,
  client: NativeClient,
  replayed: readonly Position[],
): Promise<void> {
  const next = field(await rest.publish(channel, 'next'), 'id');
  await client.next('message', ({ id }) => id === next);
  expect(idsOf(client.messages(channel))).toEqual([...replayed, next]);
}

test.each([
  { last: 0, expected: [] },
  { last: 3, expected: [7, 8, 9] },
  { last: 1_000, expected: numbers(0, 10) },
])('`last: $last` rewinds, on a cold and on a warm edge', async ({ last, expected }) => {
  const channel = `plain:rewind${last}`;
  await publishAll(rest, { channel }, numbers(0, 10));
  for (const footing of ['cold', 'warm']) {
    const { client, answer } = await resume(fleet.edge(0), channel, { last });
    expect(
      client.messages(channel).map(({ data }) => data),
      footing,
    ).toEqual(expected);
    expect(answer.recovered, footing).toBeUndefined();
  }
});

test('`last` shows nothing that is older than the age', async () => {
  const stage = await setStage('warm', 'short:rewind');
  await stage.publish(2);
  await stage.logIsGone();
  await stage.publish(1);
  const { replayed } = await resume(fleet.edge(1), stage.channel, { last: 10 });
  expect(replayed).toEqual(stage.ids.slice(-1));
});
