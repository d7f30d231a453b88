/** The one contract that every wire of an edge keeps, whatever it looks like on the network. */

import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EdgeProcess } from '../kit/fleet.js';
import { field } from '../kit/rest.js';
import { channelIn, FleetUnderTest, tokenFor } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';
import { type Behaviour, skipOf } from './behaviours.js';
import {
  type Delivery,
  type Peer,
  type PeerOptions,
  WireRefusal,
  type WireUnderTest,
} from './wire-under-test.js';

const SLOW_READER_BYTES = 65_536;
const LARGE_BYTES = 60_000;
/** More than the kernel keeps for a connection that is not read. */
const FLOOD_MAX_BYTES = 64 * 1_048_576;
const HISTORY_SIZE = 2_000;
const TEST_DEADLINE_MS = 90_000;

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone', icomet: true } as const;
const CONFIG = {
  namespaces: { open: { ...OPEN, historySize: HISTORY_SIZE }, closed: { icomet: true } },
};

export function contract(wire: WireUnderTest): void {
  describe(`the contract of the wire ${wire.name}`, () => {
    let started: FleetUnderTest | undefined;
    beforeAll(async () => {
      const fleet = new FleetUnderTest({
        edges: 0,
        config: CONFIG,
        edgeEnv: { HALLEY_SLOW_READER_BYTES: String(SLOW_READER_BYTES) },
      });
      await fleet.start();
      started = fleet;
      await Promise.all([addEdge(), addEdge()]);
    });
    afterAll(() => started?.stop());
    const stack = () => {
      if (started === undefined) throw new Error('the fleet is not running');
      return started;
    };

    const addEdge = async () => stack().fleet.addEdge(await wire.edgeEnv?.());

    /** Holds the wire to a behaviour, unless the list of skips says why not. */
    function behaves(behaviour: Behaviour, promise: string, run: () => Promise<void>): void {
      if (skipOf(wire.name, behaviour) !== null) return;
      test(`${behaviour}: ${promise}`, run, TEST_DEADLINE_MS);
    }

    const newTopic = () => (wire.carries === 'channels' ? channelIn('open') : channelIn('client'));

    async function publish(topic: string, data: unknown): Promise<string> {
      const { rest } = stack();
      const posted =
        wire.carries === 'channels' ? rest.publish(topic, data) : rest.publishPrivate(topic, data);
      return field(await posted, 'id');
    }

    async function publishAll(topic: string, from: number, to: number): Promise<void> {
      for (let data = from; data <= to; data += 1) await publish(topic, data);
    }

    behaves('connect', 'with a token, and without', async () => {
      const peer = await wire.open(stack().edge(), { token: tokenFor('ann') });
      await peer.close();
      const anonymous = await wire.open(stack().edge());
      await anonymous.close();
    });

    behaves('subscribe', 'messages from then on arrive, those of others do not', async () => {
      const topic = newTopic();
      const peer = await wire.open(stack().edge());
      const before = wire.tellsRecovery ? await publish(topic, 'before') : null;
      const { mark } = await peer.subscribe(topic);
      if (before !== null) expect(mark).toBe(before);
      const id = await publish(topic, { hi: 1 });
      await publish(newTopic(), 'elsewhere');
      expectDeliveries(await receivedAll(peer, topic, 1), [{ id, data: { hi: 1 } }]);
      await peer.close();
    });

    behaves('receive in order', 'each message once, in the order of the log', async () => {
      const topic = newTopic();
      // A message of a queue has one taker.
      const edges = wire.carries === 'channels' ? [0, 1] : [1];
      const peers = await Promise.all(edges.map((index) => wire.open(stack().edge(index))));
      for (const peer of peers) await peer.subscribe(topic);
      if (wire.confirmsSubscribe === false) await subscribers(topic, peers.length);
      const posts = Array.from({ length: 200 }, async (_, data) => ({
        id: await publish(topic, data),
        data,
      }));
      const log = (await Promise.all(posts)).toSorted((a, b) => byOrder(orderOf(a), orderOf(b)));
      for (const peer of peers) expectDeliveries(await receivedAll(peer, topic, log.length), log);
      for (const peer of peers) await peer.close();
    });

    behaves('resume', 'on another edge, what was missed comes, then live messages', async () => {
      const topic = newTopic();
      const before = await wire.open(stack().edge(0));
      await before.subscribe(topic);
      await publishAll(topic, 1, 1);
      await receivedAll(before, topic, 1);
      const mark = before.markOf(topic);
      await before.close();
      await publishAll(topic, 2, 4);
      const after = await wire.open(stack().edge(1));
      const resumed = await after.subscribe(topic, mark);
      if (wire.tellsRecovery) expect(resumed.recovered).toBe(true);
      await receivedAll(after, topic, 3);
      await publish(topic, 5);
      expect(dataOf(await receivedAll(after, topic, 4))).toEqual([2, 3, 4, 5]);
      await after.close();
    });

    if (wire.tellsRecovery) {
      behaves('resume', 'a position that proves nothing is told, all is replayed', async () => {
        const topic = newTopic();
        await publishAll(topic, 1, 3);
        const peer = await wire.open(stack().edge());
        const resumed = await peer.subscribe(topic, '1700000000000-0.zzzz');
        expect(resumed.recovered).toBe(false);
        expect(dataOf(await receivedAll(peer, topic, 3))).toEqual([1, 2, 3]);
        await peer.close();
      });
    }

    behaves('private message', 'reaches its client alone, at once and from the queue', async () => {
      const { rest } = stack();
      const [bob, carl] = [channelIn('bob'), channelIn('carl')];
      const token = tokenFor(bob);
      const other = await openQueue(carl, { token: tokenFor(carl) });
      const first = await rest.publishPrivate(bob, 'while away');
      expect(first.body).toMatchObject({ edges: 0 });
      const peer = await openQueue(bob, { token });
      await receivedAll(peer, null, 1);
      const second = await rest.publishPrivate(bob, 'live');
      expectDeliveries(await receivedAll(peer, null, 2), [
        { id: field(first, 'id'), data: 'while away' },
        { id: field(second, 'id'), data: 'live' },
      ]);
      await peer.close();
      if (wire.tellsRecovery) {
        const again = await wire.open(stack().edge(1), { token, queueAfter: field(first, 'id') });
        expect(dataOf(await receivedAll(again, null, 1))).toEqual(['live']);
        await again.close();
      }
      expect(other.received(null)).toEqual([]);
      await other.close();
    });

    behaves('refuse', 'who asks for what it must not have is told so', async () => {
      const { noRight, badName, badToken, expiredToken } = wire.refusals;
      const peer = await wire.open(stack().edge());
      if (noRight !== null) await expectRefusal(peer.subscribe(channelIn('closed')), noRight);
      await expectRefusal(peer.subscribe(`no\u0001name${'x'.repeat(300)}`), badName);
      await peer.close();
      const enter = async (token: string) => {
        const entered = await wire.open(stack().edge(), { token });
        await entered.subscribe(channelIn('closed'));
      };
      if (badToken !== null) await expectRefusal(enter('x.y.z'), badToken);
      const expired = tokenFor('ann', { ttlSeconds: 1 }, Date.now() - 60_000);
      if (expiredToken !== null) await expectRefusal(enter(expired), expiredToken);
    });

    behaves('slow reader', 'it is cut, others are not, a resume gives it the rest', async () => {
      const topic = newTopic();
      const edge = stack().edge();
      const slow = await wire.open(edge);
      const quick = await wire.open(edge);
      const start = await slow.subscribe(topic);
      await quick.subscribe(topic);
      slow.pause();
      const count = await floodUntilCut(edge, topic);
      await receivedAll(quick, topic, count, TEST_DEADLINE_MS);
      slow.resume();
      const code = await within(slow.ended, 'the slow reader is cut');
      expect([null, 'slow-reader']).toContain(code);
      const seen = slow.received(topic);
      expect(dataOf(seen)).toEqual(dataOf(quick.received(topic)).slice(0, seen.length));
      const again = await wire.open(stack().edge(1));
      const mark = seen.length === 0 ? start.mark : slow.markOf(topic);
      const resumed = await again.subscribe(topic, mark);
      if (wire.tellsRecovery) expect(resumed.recovered).toBe(true);
      await publish(topic, 'end');
      const rest = await receivedAll(again, topic, count - seen.length + 1);
      expect(new Set([...seen, ...rest].map(({ data }) => data)).size).toBe(count + 1);
      await quick.close();
      await again.close();
    });

    behaves('drain', 'a leaving edge says so; its clients resume elsewhere', async () => {
      const topic = newTopic();
      const leaving = await addEdge();
      const peer = await wire.open(leaving);
      const { mark } = await peer.subscribe(topic);
      const exit = leaving.terminate();
      await within(peer.goodbye, 'the edge says goodbye');
      const id = await publish(topic, 'on the move');
      const moved = await wire.open(stack().edge());
      const resumed = await moved.subscribe(topic, mark);
      if (wire.tellsRecovery) expect(resumed.recovered).toBe(true);
      expectDeliveries(await receivedAll(moved, topic, 1), [{ id, data: 'on the move' }]);
      await peer.close();
      await moved.close();
      expect(await exit).toMatchObject({ code: 0 });
    });

    function subscribers(channel: string, count: number): Promise<boolean> {
      const path = `/channels/${encodeURIComponent(channel)}`;
      const isSo = async () => {
        const { body } = await stack().rest.get(path);
        return (body as { subscribers: number }).subscribers === count;
      };
      return eventually(isSo, `${count} subscribers of ${channel}`);
    }

    /** Some wires open a queue with the connection, the others by asking for it. */
    async function openQueue(clientId: string, options: PeerOptions): Promise<Peer> {
      const peer = await wire.open(stack().edge(), options);
      if (wire.carries === 'queues') await peer.subscribe(clientId);
      return peer;
    }

    /** Publishes until the edge has cut a connection. @returns how many messages */
    async function floodUntilCut(edge: EdgeProcess, topic: string): Promise<number> {
      const padding = 'x'.repeat(LARGE_BYTES);
      for (let count = 1; count * LARGE_BYTES < FLOOD_MAX_BYTES; count += 1) {
        await publish(topic, `${count} ${padding}`);
        if (count % 10 === 0 && (await isCut(edge))) return count;
      }
      throw new Error(`no connection was cut by ${FLOOD_MAX_BYTES} bytes`);
    }
  });
}

/** Two connections were opened: one is left, or the other was told to end. */
async function isCut(edge: EdgeProcess): Promise<boolean> {
  const { body } = await request(`${edge.adminUrl}/metrics`);
  const text = await body.text();
  return /^halley_slow_reader_cuts_total [1-9]/m.test(text) || /^halley_connections 1$/m.test(text);
}

/** Resolves with the messages received so far once there are `count`; fails where there are more. */
async function receivedAll(
  peer: Peer,
  topic: string | null,
  count: number,
  deadlineMs?: number,
): Promise<readonly Delivery[]> {
  const has = () => peer.received(topic).length >= count;
  await eventually(has, `${count} messages of ${topic ?? 'the queue'}`, deadlineMs);
  const received = peer.received(topic);
  expect(received).toHaveLength(count);
  return received;
}

/** Ids are compared where the wire tells them. */
function expectDeliveries(
  received: readonly Delivery[],
  expected: readonly { readonly id: string; readonly data: unknown }[],
): void {
  expect(received).toEqual(
    expected.map(({ id, data }, index) => ({ id: received[index]?.id === null ? null : id, data })),
  );
}

function dataOf(deliveries: readonly Delivery[]): unknown[] {
  return deliveries.map(({ data }) => data);
}

/** The stream id of a position as two numbers. */
function orderOf({ id }: { readonly id: string }): [ms: number, sequence: number] {
  const [, ms, sequence] = /^(\d+)-(\d+)/.exec(id) ?? [];
  return [Number(ms), Number(sequence)];
}

function byOrder(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1];
}

async function expectRefusal(attempt: Promise<unknown>, code: string): Promise<void> {
  const outcome = await attempt.then(
    () => 'accepted',
    (error: unknown) => (error instanceof WireRefusal ? error.code : error),
  );
  expect(outcome).toBe(code);
}
