/** What a resume and a connected client are told when Redis, the log or the connection lose something. */

import type { Position } from '@halley/shared/protocol';
import { channelKeys } from '@halley/shared/redis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { RestClient } from '../kit/rest.js';
import {
  counterOf,
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

/** How often an edge proves its subscriber connections. */
const PROBE_INTERVAL_MS = 2_000;
/** By then every probe that was on its way has been answered or given up. */
const PROVED_AFTER_SECONDS = 9;

let redis: TestRedis;
let fleet: Fleet;
let rest: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  const config = { namespaces: { plain: OPEN, small: { ...OPEN, historySize: 5 } } };
  fleet = await startFleet({ redisUrl: redis.url, edges: 2, apis: 1, config });
  rest = new RestClient(fleet.api().url);
});

beforeEach(async () => {
  await Promise.all(fleet.edges.map(ready));
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

/** A connected client with the first messages of the channel. */
async function keep(edge: number, channel: string): Promise<NativeClient> {
  const client = await connect(fleet.edge(edge).wsUrl);
  await client.subscribe(channel);
  return client;
}

async function publish(channel: string, count: number): Promise<Position[]> {
  return publishAll(rest, { channel }, numbers(0, count));
}

/** For how many seconds each subscriber connection stands. */
async function agesOfSubscribers(): Promise<number[]> {
  const list = String(await redis.client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  return [...list.matchAll(/ age=(\d+) /g)].map(([, age]) => Number(age));
}

describe('a history that was cleared by DELETE', () => {
  test.each(['cold', 'warm', 'loaded'])('is not replayed by a %s edge', async (footing) => {
    const channel = `plain:cleared-${footing}`;
    const keeper = await keep(footing === 'cold' ? 0 : 1, channel);
    const ids = await publish(channel, 5);
    await keeper.waitForMessages(channel, 5);
    if (footing === 'loaded') await keeper.subscribe(channel, { last: 100 });

    const cleared = await rest.delete(`/channels/${channel}/messages`);
    expect(cleared.body).toEqual({ removed: 5 });
    await expect
      .poll(async () => (await resume(fleet.edge(1), channel, { last: 10 })).replayed)
      .toEqual([]);
    const missed = await resume(fleet.edge(1), channel, { after: ids[2] });
    expect(missed.answer).toMatchObject({ recovered: false });
    expect(missed.replayed).toEqual([]);
    const atTop = await resume(fleet.edge(1), channel, { after: ids[4] });
    expect(atTop.answer).toMatchObject({ recovered: true, position: ids[4] });

    const [next = ''] = await publish(channel, 1);
    expect(next > (ids[4] ?? '')).toBe(true);
    const after = await resume(fleet.edge(1), channel, { after: ids[4] });
    expect({ ...after.answer, replayed: after.replayed }).toMatchObject({
      recovered: true,
      replayed: [next],
    });
  });
});

/** Redis as it was before: what a failover to a replica that lagged leaves. */
class Backup {
  readonly #keys: readonly string[];
  readonly #dumps: readonly (Buffer | null)[];

  private constructor(keys: readonly string[], dumps: readonly (Buffer | null)[]) {
    this.#keys = keys;
    this.#dumps = dumps;
  }

  static async of(channel: string): Promise<Backup> {
    const { log, top } = channelKeys(channel);
    const dumps = await Promise.all([log, top].map((key) => redis.client.dumpBuffer(key)));
    return new Backup([log, top], dumps);
  }

  async restore(): Promise<void> {
    for (const [index, key] of this.#keys.entries()) {
      const dump = this.#dumps[index];
      if (dump) await redis.client.restore(key, 0, dump, 'REPLACE');
    }
  }
}

describe('a log that was rolled back and written past the position', () => {
  test('is not recovered on an edge that knows nothing of it', async () => {
    const channel = 'plain:rolled-back-cold';
    const kept = await publish(channel, 3);
    const backup = await Backup.of(channel);
    const lost = await publish(channel, 2);
    await backup.restore();
    const written = await publish(channel, 3);
    const { answer, replayed } = await resume(fleet.edge(1), channel, { after: lost[1] });
    expect(answer.recovered).toBe(false);
    expect(replayed).toEqual([...kept, ...written]);
  });

  test('an edge that saw it tells its listeners, counts it, and cuts what lies before', async () => {
    const channel = 'plain:rolled-back-warm';
    const keeper = await keep(0, channel);
    const kept = await publish(channel, 3);
    const backup = await Backup.of(channel);
    const lost = await publish(channel, 2);
    await keeper.waitForMessages(channel, 5);
    const before = await counterOf(fleet.edge(0), 'halley_log_rollbacks_total');
    await backup.restore();
    const [written = ''] = await publish(channel, 1);

    const gap = await keeper.next('gap', (frame) => frame.channel === channel);
    // What came after the roll-back is given out.
    expect(gap.position).toBe(kept[2]);
    await keeper.next('message', ({ id }) => id === written);
    expect(await counterOf(fleet.edge(0), 'halley_log_rollbacks_total')).toBe(before + 1);
    const { cut } = channelKeys(channel);
    expect(await eventually(() => redis.client.get(cut), 'the cut')).toBe(kept[2]);
    expect(await redis.client.pttl(cut)).toBeGreaterThan(0);

    // The messages seen are still in the log: only the edge that gave out more knows better.
    for (const edge of fleet.edges) {
      for (const after of [kept[2], lost[0], lost[1]]) {
        const { answer, replayed } = await resume(edge, channel, { after });
        expect(answer.recovered).toBe(false);
        expect(replayed).toEqual([...kept, written]);
      }
    }
    const [next] = await publish(channel, 2);
    await keeper.next('message', ({ id }) => id === next);
    const { answer, replayed } = await resume(fleet.edge(1), channel, { after: next });
    expect(answer.recovered).toBe(true);
    expect(replayed).toHaveLength(1);
  });
});

describe('the subscriber connection of an edge is lost', () => {
  test('and history holds what was missed: nobody notices', async () => {
    const channel = 'plain:deaf';
    const keeper = await keep(0, channel);
    const first = await publish(channel, 3);
    await keeper.waitForMessages(channel, 3);
    const losses = await counterOf(fleet.edge(0), 'halley_subscriber_losses_total');
    const missed = await whileDeaf(redis, fleet.edge(0), () => publish(channel, 50));
    await keeper.waitForMessages(channel, 53);
    const next = await publish(channel, 2);
    await keeper.waitForMessages(channel, 55);
    expect(idsOf(keeper.messages(channel))).toEqual([...first, ...missed, ...next]);
    expect(keeper.of('gap')).toEqual([]);
    expect(await counterOf(fleet.edge(0), 'halley_subscriber_losses_total')).toBe(losses + 1);
  });

  test('while publishing goes on: no loss, no repeat, no reorder', async () => {
    const channel = 'plain:deaf-flood';
    const keeper = await keep(0, channel);
    const ids: Position[] = [];
    for (let round = 0; round < 5; round += 1) {
      await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      for (let batch = 0; batch < 5; batch += 1) ids.push(...(await publish(channel, 10)));
      await keeper.waitForMessages(channel, ids.length);
    }
    expect(idsOf(keeper.messages(channel))).toEqual(ids);
    expect(keeper.of('gap')).toEqual([]);
  });

  test('with a probe on its way: the connection after it is not held to that, and stays', async () => {
    const counted = 'halley_subscriber_losses_total';
    const losses = await counterOf(fleet.edge(0), counted);
    const startMs = Date.now();
    await whileDeaf(redis, fleet.edge(0), async () => {
      // A probe is due: the edge sends it when it wakes, before it hears that its connection has gone.
      await eventually(() => Date.now() - startMs > 2 * PROBE_INTERVAL_MS, 'a probe is due');
    });
    const grown = async () => Math.min(...(await agesOfSubscribers())) >= PROVED_AFTER_SECONDS;
    await eventually(grown, 'the connections stay', 3_000 * PROVED_AFTER_SECONDS);
    expect(await counterOf(fleet.edge(0), counted)).toBe(losses + 1);
    await ready(fleet.edge(0));
  }, 60_000);

  test('and more was missed than history holds: `gap`, then what it holds', async () => {
    const channel = 'small:deaf';
    const keeper = await keep(0, channel);
    const first = await publish(channel, 3);
    await keeper.waitForMessages(channel, 3);
    await whileDeaf(redis, fleet.edge(0), () => publish(channel, 60));
    const gap = await keeper.next('gap', (frame) => frame.channel === channel);
    const log = await readLog(redis, channel);
    expect(gap.position).toBe(log[0]?.prev);
    const [next = ''] = await publish(channel, 1);
    await keeper.next('message', ({ id }) => id === next);
    expect(idsOf(keeper.messages(channel))).toEqual([...first, ...idsOf(log), next]);
    expect(keeper.of('gap')).toHaveLength(1);
    expect(await counterOf(fleet.edge(0), 'halley_log_rollbacks_total')).toBeLessThan(2);
  });
});
