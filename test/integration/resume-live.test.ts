/** Resume while publishing goes on: no gap, no repeat, no reorder. */

import type { Position, ServerFrame } from '@halley/shared/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { field, RestClient } from '../kit/rest.js';
import {
  idsOf,
  numbers,
  OPEN,
  publishAll,
  readLog,
  ready,
  resume,
  whileDeaf,
} from '../kit/streams.js';
import { eventually } from '../kit/wait.js';

const BATCH = 20;
const BEHIND = 1_000;
const RESUMERS = 120;
/** Resumers that are on their way at a time. */
const AT_A_TIME = 6;

let redis: TestRedis;
let fleet: Fleet;
let rest: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  const config = {
    namespaces: { deep: { ...OPEN, historySize: 10_000 }, none: { ...OPEN, historySize: 0 } },
  };
  fleet = await startFleet({ redisUrl: redis.url, edges: 2, apis: 1, config });
  rest = new RestClient(fleet.api().url);
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

/** Publishes batch after batch until it is stopped. */
class Flood {
  readonly ids: Position[] = [];
  readonly #channel: string;
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(channel: string) {
    this.#channel = channel;
    this.#done = this.#run();
  }

  /** @returns the positions of all that was published, in order */
  async stop(): Promise<Position[]> {
    this.#isStopped = true;
    await this.#done;
    return this.ids;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const data = numbers(this.ids.length, this.ids.length + BATCH);
      this.ids.push(...(await publishAll(rest, { channel: this.#channel }, data)));
    }
  }
}

test.each(['cold', 'warm'])('a thousand messages behind, on a %s edge', async (footing) => {
  const channel = `deep:behind-${footing}`;
  const edge = fleet.edge(1);
  const keeper = await connect(fleet.edge(footing === 'warm' ? 1 : 0).wsUrl);
  await keeper.subscribe(channel);
  const missed = await publishAll(rest, { channel }, numbers(0, BEHIND));
  await keeper.waitForMessages(channel, BEHIND);

  const flood = new Flood(channel);
  const after = missed[0] ?? '';
  const { client, answer, replayed } = await resume(edge, channel, { after });
  const all = [...missed, ...(await flood.stop())];
  expect(answer.recovered).toBe(true);
  expect(replayed.length).toBeGreaterThanOrEqual(BEHIND - 1);
  await client.waitForMessages(channel, all.length - 1);
  expect(idsOf(client.messages(channel))).toEqual(all.slice(1));
});

test('resumes at any position while publishing goes on at full speed', async () => {
  const channel = 'deep:flood';
  const [start = ''] = await publishAll(rest, { channel }, ['start']);
  const flood = new Flood(channel);
  const resumed: { readonly after: Position; readonly received: () => Promise<Position[]> }[] = [];
  const resumeOne = async (index: number): Promise<void> => {
    const published = flood.ids;
    // Near the end, where the log and the live stream meet, and now and then far back.
    const back = index % 4 === 0 ? published.length : (index * 7) % 30;
    const after = published.at(-1 - back) ?? start;
    const { client, answer } = await resume(fleet.edge(index % 2), channel, { after });
    expect(answer.recovered).toBe(true);
    const received = async () => {
      const last = flood.ids.at(-1);
      await client.next('message', ({ id }) => id === last);
      return idsOf(client.messages(channel));
    };
    resumed.push({ after, received });
  };
  for (let at = 0; at < RESUMERS; at += AT_A_TIME) {
    await Promise.all(numbers(at, at + AT_A_TIME).map(resumeOne));
  }
  const all = [start, ...(await flood.stop())];
  expect(idsOf(await readLog(redis, channel))).toEqual(all);
  for (const { after, received } of resumed) {
    expect(await received()).toEqual(all.slice(all.indexOf(after) + 1));
  }
});

test.each([
  { namespace: 'deep', footing: 'with its short tail' },
  { namespace: 'deep', footing: 'that has just read the log' },
  { namespace: 'none', footing: 'of a channel without history' },
  { namespace: 'none', footing: 'of a channel without history that has just asked for it' },
])(
  'a client is ahead of the edge $footing: nothing comes twice',
  async ({ namespace, footing }) => {
    const channel = `${namespace}:ahead-${footing.replaceAll(' ', '-')}`;
    const behind = fleet.edge(1);
    await ready(behind);
    const keeper = await connect(behind.wsUrl);
    await keeper.subscribe(channel);
    await publishAll(rest, { channel }, ['first']);
    await keeper.waitForMessages(channel, 1);
    if (footing.includes('just')) {
      await (await connect(behind.wsUrl)).subscribe(channel, { after: '9999999999999-0.zzzz' });
    }

    const client = await connect(behind.wsUrl);
    const { after, answer } = await whileDeaf(redis, behind, async () => {
      const published = field(await rest.publish(channel, 'second'), 'id');
      // Waits in the edge's socket until it goes on, deaf to what was published.
      const subscribing = client.request({ type: 'subscribe', channel, after: published });
      return { after: published, answer: subscribing };
    });
    const begun = await settled(client, channel, after, answer);
    expect(begun).toMatchObject({ type: 'subscribed', recovered: true });
    const next = field(await rest.publish(channel, 'third'), 'id');
    await client.next('message', ({ id }) => id === next);
    expect(idsOf(client.messages(channel))).toEqual([next]);
  },
);

/** Without a log the edge has nothing to catch up by: it says when to come again. */
async function settled(
  client: NativeClient,
  channel: string,
  after: Position,
  first: Promise<ServerFrame>,
): Promise<ServerFrame> {
  const answer = await first;
  if (answer.type !== 'error') return answer;
  expect(answer).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) });
  const askAgain = async () => {
    const next = await client.request({ type: 'subscribe', channel, after });
    return next.type === 'subscribed' && next;
  };
  return eventually(askAgain, 'the edge catches up');
}
