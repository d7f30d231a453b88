/** Everybody sees every accepted message once, in the order of the log: two edges, two apis, no pause. */

import type { Position } from '@halley/shared/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EdgeProcess, type Fleet, startFleet } from '../kit/fleet.js';
import { connect } from '../kit/native-client.js';
import { Random, seedFrom } from '../kit/random.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { field, RestClient } from '../kit/rest.js';
import { idsOf, numbers, OPEN, readLog } from '../kit/streams.js';

const SEED = seedFrom('HALLEY_TEST_SEED', 20_261_121);
const CHANNEL = 'order:all';
const MESSAGES_EACH = 60;
const REST_PUBLISHERS = 6;
const CLIENT_PUBLISHERS = 4;
/** Messages of one client publisher that are on their way at a time. */
const PIPELINED = 5;
const STEADY_EACH_EDGE = 2;
const ROAMERS = 6;
const TOTAL = (REST_PUBLISHERS + CLIENT_PUBLISHERS) * MESSAGES_EACH;

let redis: TestRedis;
let fleet: Fleet;
let rests: RestClient[];

beforeAll(async () => {
  redis = await startRedis();
  const config = { namespaces: { order: { ...OPEN, historySize: 10_000 } } };
  fleet = await startFleet({ redisUrl: redis.url, edges: 2, apis: 2, config });
  rests = fleet.apis.map((api) => new RestClient(api.url));
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

test('the log is the order that every subscriber sees, also one that comes and goes', async () => {
  const steady = await Promise.all(
    fleet.edges.flatMap((edge) => Array.from({ length: STEADY_EACH_EDGE }, () => follow(edge))),
  );
  const roaming = numbers(0, ROAMERS).map((index) => roam(new Random(SEED + index)));
  const accepted = await Promise.all([
    ...numbers(0, REST_PUBLISHERS).map((index) => publishByRest(restAt(index), index)),
    ...numbers(0, CLIENT_PUBLISHERS).map((index) => publishBySocket(fleet.edge(index % 2), index)),
  ]);

  const log = idsOf(await readLog(redis, CHANNEL));
  expect(log).toHaveLength(TOTAL);
  expect([...accepted.flat()].sort()).toEqual([...log].sort());
  for (const ids of accepted) expect(ids).toEqual(log.filter((id) => ids.includes(id)));
  for (const received of steady) expect(await received()).toEqual(log);
  for (const received of await Promise.all(roaming)) expect(received, `seed ${SEED}`).toEqual(log);
});

/** Subscribes now. @returns what gives all that it received, once it is all there */
async function follow(edge: EdgeProcess): Promise<() => Promise<Position[]>> {
  const client = await connect(edge.wsUrl);
  await client.subscribe(CHANNEL);
  return async () => idsOf(await client.waitForMessages(CHANNEL, TOTAL));
}

/** Takes a few messages, loses its connection, resumes at the other edge, until it has seen all. */
async function roam(random: Random): Promise<Position[]> {
  const seen: Position[] = [];
  let after: Position = `0-${Date.now()}`;
  for (let at = random.int(0, 1); seen.length < TOTAL; at += 1) {
    const client = await connect(fleet.edge(at % 2).wsUrl);
    const answer = await client.subscribe(CHANNEL, { after });
    expect(answer, `seed ${SEED}`).toMatchObject({ recovered: true });
    const wanted = Math.min(TOTAL - seen.length, random.int(1, 40));
    await client.waitForMessages(CHANNEL, wanted);
    await client.cut();
    // What came before the cut counts, whether it was waited for or not.
    seen.push(...idsOf(client.messages(CHANNEL)));
    after = seen.at(-1) ?? after;
  }
  return seen;
}

async function publishByRest(rest: RestClient, publisher: number): Promise<Position[]> {
  const ids = [];
  for (let count = 0; count < MESSAGES_EACH; count += 1) {
    const answer = await rest.publish(CHANNEL, { publisher, count });
    expect(answer.status, answer.text).toBe(201);
    ids.push(field(answer, 'id'));
  }
  return ids;
}

/** Several at a time over one socket: they must keep the order in which they were sent. */
async function publishBySocket(edge: EdgeProcess, publisher: number): Promise<Position[]> {
  const client = await connect(edge.wsUrl);
  const ids: Position[] = [];
  for (let count = 0; count < MESSAGES_EACH; count += PIPELINED) {
    const published = await Promise.all(
      numbers(count, count + PIPELINED).map((one) =>
        client.publish(CHANNEL, { publisher: `socket ${publisher}`, count: one }),
      ),
    );
    ids.push(...idsOf(published));
  }
  await client.close();
  return ids;
}

function restAt(index: number): RestClient {
  const rest = rests[index % rests.length];
  if (rest === undefined) throw new Error('no api');
  return rest;
}
