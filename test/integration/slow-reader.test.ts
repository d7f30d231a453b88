/** Readers that do not keep up: the one is cut and resumes, the other is given time; nobody else suffers. */

import type { Position } from '@halley/shared/protocol';
import { clientKeys } from '@halley/shared/redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../kit/fleet.js';
import { connect, type NativeClient } from '../kit/native-client.js';
import { startRedis, type TestRedis } from '../kit/redis.js';
import { RestClient } from '../kit/rest.js';
import { counterOf, idsOf, numbers, OPEN, publishAll, resume } from '../kit/streams.js';
import { eventually, within } from '../kit/wait.js';

const SLOW_READER_BYTES = 1_048_576;
const BIG = 'x'.repeat(32_768);
/** 20 MB: what both kernels keep for a reader that has stopped is a few MB. */
const BIG_MESSAGES = 640;
/** Few enough at a time that the healthy reader, in this very process, keeps up. */
const WAVE = 10;
const FOUR_KB = 'y'.repeat(4_096);
const DEADLINE_MS = 30_000;

let redis: TestRedis;
let fleet: Fleet;
let rest: RestClient;

beforeAll(async () => {
  redis = await startRedis();
  const namespaces = { big: { ...OPEN, historySize: 2_000 } };
  const config = { namespaces };
  fleet = await startFleet({ redisUrl: redis.url, edges: 1, apis: 1, config });
  rest = new RestClient(fleet.api().url);
});

afterAll(async () => {
  await fleet?.stop();
  await redis?.stop();
});

test('a reader that stops is cut, and resumes without a loss; others are not held up', async () => {
  const channel = 'big:stopped';
  const healthy = await connect(fleet.edge().wsUrl);
  const stopped = await connect(fleet.edge().wsUrl, { client: 'stopped' });
  await Promise.all([healthy.subscribe(channel), stopped.subscribe(channel)]);
  const [first] = await publishAll(rest, { channel }, ['first']);
  await stopped.waitForMessages(channel, 1);
  const cutsBefore = await counterOf(fleet.edge(), 'halley_slow_reader_cuts_total');

  stopped.socket.pause();
  const ids = [first ?? ''];
  while (ids.length <= BIG_MESSAGES) {
    ids.push(...(await publishAll(rest, { channel }, Array(WAVE).fill(BIG))));
    await healthy.waitForMessages(channel, ids.length);
  }
  expect(idsOf(healthy.messages(channel))).toEqual(ids);
  const { presence } = clientKeys('stopped');
  await eventually(
    async () => (await redis.client.hget(presence, 'stopped')) === null,
    'the edge lets go of the reader',
    DEADLINE_MS,
  );
  expect(await counterOf(fleet.edge(), 'halley_slow_reader_cuts_total')).toBe(cutsBefore + 1);

  stopped.socket.resume();
  const { code } = await within(stopped.closed, 'the reader sees its end', DEADLINE_MS);
  expect([4200, 1006]).toContain(code);
  const seen = idsOf(stopped.messages(channel));
  expect(seen.length).toBeLessThan(ids.length);
  // Cut, not thinned out: what it has is the beginning, without a hole.
  expect(seen).toEqual(ids.slice(0, seen.length));
  const after = seen.at(-1);
  const back = await resume(fleet.edge(), channel, { after });
  expect(back.answer.recovered).toBe(true);
  expect([...seen, ...back.replayed]).toEqual(ids);
});

/** What waits in the edge for this client's one connection, by its own word. */
async function bytesWaiting(client: string): Promise<number> {
  const { body } = await rest.get(`/clients/${client}`);
  const { connections } = body as { connections: { readonly bytesWaiting: number }[] };
  return connections[0]?.bytesWaiting ?? 0;
}

test('a replay of 2,000 messages is paced by its reader: complete, in order, not cut', async () => {
  const channel = 'big:paced';
  const missed: Position[] = [];
  for (let at = 0; at < 2_000; at += 500) {
    missed.push(...(await publishAll(rest, { channel }, Array(500).fill(FOUR_KB))));
  }
  const cutsBefore = await counterOf(fleet.edge(), 'halley_slow_reader_cuts_total');
  const reader = await connect(fleet.edge().wsUrl, { client: 'paced' });
  reader.send({ type: 'subscribe', ref: 's', channel, after: missed[0] });
  reader.socket.pause();
  await eventually(async () => (await bytesWaiting('paced')) > 0, 'the replay fills the kernels');

  // It reads a little now and then, while publishing goes on.
  const all = [...missed];
  for (const round of numbers(0, 20)) {
    expect(await bytesWaiting('paced'), `round ${round}`).toBeLessThan(SLOW_READER_BYTES);
    all.push(...(await publishAll(rest, { channel }, [round])));
    const had = reader.messages(channel).length;
    reader.socket.resume();
    await reader.waitForMessages(channel, had + 10);
    reader.socket.pause();
  }
  reader.socket.resume();
  await reader.waitForMessages(channel, all.length - 1, DEADLINE_MS);
  expect(idsOf(reader.messages(channel))).toEqual(all.slice(1));
  expect(reader.of('gap')).toEqual([]);
  expect(reader.of('subscribed')).toMatchObject([{ recovered: true }]);
  expect(await counterOf(fleet.edge(), 'halley_slow_reader_cuts_total')).toBe(cutsBefore);
});

test('a paced replay of a queue keeps its place when another connection begins further on', async () => {
  const name = 'two-readers';
  const start = await connect(fleet.edge().wsUrl, { client: name });
  const { queue } = await start.welcomed();
  const ids: Position[] = [];
  while (ids.length < BIG_MESSAGES) {
    ids.push(...(await publishAll(rest, { client: name }, Array(WAVE).fill(BIG))));
    await start.waitFor(() => start.of('private').length >= ids.length);
  }
  const slow = await paused(name, queue?.position ?? '');
  const acked = ids[BIG_MESSAGES - 100] ?? '';
  start.send({ type: 'ack', id: acked });
  const { acked: ackedKey } = clientKeys(name);
  await eventually(async () => (await redis.client.get(ackedKey)) === acked, 'the ack is written');

  const quick = await connect(fleet.edge().wsUrl, { client: name });
  await quick.waitFor(() => quick.of('private').length >= 99);
  expect(idsOf(quick.of('private'))).toEqual(ids.slice(BIG_MESSAGES - 99));
  slow.socket.resume();
  await slow.waitFor(() => slow.of('private').length >= ids.length, DEADLINE_MS);
  expect(idsOf(slow.of('private'))).toEqual(ids);
  expect(slow.of('gap')).toEqual([]);
});

/** A connection that takes its welcome and then reads nothing of the replay. */
async function paused(client: string, queueAfter: Position): Promise<NativeClient> {
  const slow = await connect(fleet.edge().wsUrl, { client, queueAfter });
  slow.socket.pause();
  const isWaiting = async () => {
    const { body } = await rest.get(`/clients/${client}`);
    const { connections } = body as { connections: { readonly bytesWaiting: number }[] };
    return connections.some(({ bytesWaiting }) => bytesWaiting > 0);
  };
  await eventually(isWaiting, 'the replay waits for its reader');
  return slow;
}
