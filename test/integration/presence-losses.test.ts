/** Presence through losses on either side: of Redis' data, and of an edge's standing. */

import { clientChannel } from '@halley/shared/protocol';
import {
  channelKeys,
  clientKeys,
  EDGES_KEY,
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TTL_MS,
  heartbeatKey,
  Scripts,
  tombstoneKey,
} from '@halley/shared/redis';
import { describe, expect, test } from 'vitest';
import { connect, type NativeClient } from '../kit/native-client.js';
import { edgeIdOf, idOfEdge, listed, presenceOf, stateOf } from '../kit/presence.js';
import { field } from '../kit/rest.js';
import { numbers, ready, whileDeaf } from '../kit/streams.js';
import { channelIn, type FleetUnderTest, useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';

/** Stated for the repair after a loss: connect again, then register everybody over 5 s. */
const REASSERTED_MS = 15_000;
const CLIENTS = 24;
const NEW_ID_DEADLINE_MS = 5 * HEARTBEAT_TTL_MS;
const TOMBSTONE_TTL_MS = 3_600_000;

describe('presence that was lost', () => {
  const stack = useFleet({ edges: 2 });

  test.each([
    ['restarted without its data', () => stack.redis.restart()],
    ['flushed', () => stack.redis.flush()],
  ])(
    'presence is registered again after Redis was %s; nobody has to reconnect',
    async (_, lose) => {
      const names = numbers(0, CLIENTS).map((index) => `${channelIn('lost')} ${index}`);
      const clients = await connectAll(stack, names);
      await lose();
      await eventually(() => areAllOnline(stack, names), 'all are online again', REASSERTED_MS);
      await expectHeldBy(names, [await idOfEdge(stack, 0), await idOfEdge(stack, 1)]);
      for (const edge of stack.fleet.edges) await ready(edge);
      await expectReached(stack, names, clients);
    },
    70_000,
  );

  test('an edge that was declared dead takes a new id, under which all that it holds is registered, and can be reached', async () => {
    const { client: redis } = stack.redis;
    const [buriedId, otherId] = [await idOfEdge(stack, 0), await idOfEdge(stack, 1)];
    const names = numbers(0, CLIENTS).map((index) => `buried ${index}`);
    const clients = await connectAll(stack, names);
    const channel = channelIn('demo');
    for (const client of clients) await client.subscribe(channel);

    await redis.set(tombstoneKey(buriedId), '1', 'PX', TOMBSTONE_TTL_MS);
    const newId = await idAfter(buriedId);
    await sweep(names, buriedId);
    await eventually(() => areAllOnline(stack, names), 'all are online again', REASSERTED_MS);
    await expectHeldBy(names, [newId, otherId]);
    await expectReached(stack, names, clients);

    const { subscribers, members } = channelKeys(channel);
    const half = String(CLIENTS / 2);
    await eventually(
      async () => (await redis.hget(subscribers, newId)) === half,
      'its subscribers are registered under the new id',
    );
    const member = await redis.hget(members, names[0] ?? '');
    expect(member?.split(' ')[0]?.split(',')).toContain(`${newId}=1`);

    const late = await connect(stack.ws(0), { client: 'late' });
    expect(await edgeIdOf(late)).toBe(newId);
    expect(await presenceOf(stack, 'late')).toEqual([newId]);
    expect(await stateOf(stack, 'late')).toMatchObject({ edges: [newId], unreachable: [] });
    await expectNotRevived(buriedId, newId);
  }, 70_000);

  test('an edge that was declared dead takes a new id also where it has lost its subscriber connection with its life', async () => {
    const { client: redis } = stack.redis;
    const [buriedId, otherId] = [await idOfEdge(stack, 0), await idOfEdge(stack, 1)];
    const names = numbers(0, CLIENTS).map((index) => `cut off ${index}`);
    const clients = await connectAll(stack, names);
    await whileDeaf(stack.redis, stack.edge(), async () => {
      await redis.set(tombstoneKey(buriedId), '1', 'PX', TOMBSTONE_TTL_MS);
      // A heartbeat is due, so it is the first thing that the edge does when it wakes.
      await eventually(async () => (await silenceMs(buriedId)) > HEARTBEAT_INTERVAL_MS, 'silence');
    });
    const newId = await idAfter(buriedId);
    await sweep(names, buriedId);
    await eventually(() => areAllOnline(stack, names), 'all are online again', REASSERTED_MS);
    await expectHeldBy(names, [newId, otherId]);
    for (const edge of stack.fleet.edges) await ready(edge);
    await expectReached(stack, names, clients);
  }, 70_000);

  /** @param edgeIds in turn, as `connectAll` went over the edges */
  async function expectHeldBy(names: readonly string[], edgeIds: readonly string[]): Promise<void> {
    for (const [index, name] of names.entries()) {
      expect(await presenceOf(stack, name)).toEqual([edgeIds[index % edgeIds.length]]);
    }
  }

  /** The id that the first edge has taken. */
  function idAfter(buriedId: string): Promise<string> {
    return eventually(
      async () => {
        const id = await idOfEdge(stack, 0);
        return id === buriedId ? undefined : id;
      },
      'the edge has a new id',
      NEW_ID_DEADLINE_MS,
    );
  }

  async function silenceMs(edgeId: string): Promise<number> {
    return Date.now() - Number(await stack.redis.client.zscore(EDGES_KEY, edgeId));
  }

  /** What a sweeper does once it has written the tombstone: the buried id goes out of all presence. */
  async function sweep(names: readonly string[], edgeId: string): Promise<void> {
    const scripts = new Scripts(stack.redis.client);
    for (const name of names) {
      const { presence, lastSeen } = clientKeys(name);
      const { subscribers } = channelKeys(clientChannel(name));
      await scripts.run('disconnect', [presence, lastSeen, subscribers], [edgeId, name]);
    }
  }

  /** No heartbeat is written any more under the old id, while those of the new one go on. */
  async function expectNotRevived(buriedId: string, newId: string): Promise<void> {
    const { client: redis } = stack.redis;
    await redis.del(heartbeatKey(buriedId));
    const last = Number(await redis.zscore(EDGES_KEY, newId));
    await eventually(
      async () => Number(await redis.zscore(EDGES_KEY, newId)) > last,
      'the next heartbeat of the new id',
    );
    expect(await redis.exists(heartbeatKey(buriedId))).toBe(0);
  }
});

/** One connection each, in turn on the edges. */
function connectAll(stack: FleetUnderTest, names: readonly string[]): Promise<NativeClient[]> {
  return Promise.all(names.map((client, index) => connect(stack.ws(index % 2), { client })));
}

async function areAllOnline(stack: FleetUnderTest, names: readonly string[]): Promise<boolean> {
  const clients = await listed(stack, names);
  return clients?.length === names.length && clients.every(({ online }) => online);
}

/** A private message comes over the connection that each client had from the start. */
async function expectReached(
  stack: FleetUnderTest,
  names: readonly string[],
  clients: readonly NativeClient[],
): Promise<void> {
  for (const [index, name] of names.entries()) {
    const posted = await stack.rest.publishPrivate(name, name);
    expect(posted).toMatchObject({ status: 201, body: { edges: 1 } });
    const message = await clients[index]?.next('private', ({ data }) => data === name);
    expect(message?.id).toBe(field(posted, 'id'));
  }
}
