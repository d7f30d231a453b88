/** The one contract that every wire of an edge keeps, whatever it looks like on the network. */

import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import type { EdgeProcess } from '../kit/fleet.js';
import { field } from '../kit/rest.js';
import { channelIn, tokenFor, useFleet } from '../kit/use-fleet.js';
import { eventually, within } from '../kit/wait.js';
import { type Capability, type Peer, WireRefusal, type WireUnderTest } from './wire-under-test.js';

const SLOW_READER_BYTES = 65_536;
const LARGE_BYTES = 60_000;
/** More than the kernel keeps for a connection that is not read. */
const FLOOD_MAX_BYTES = 64 * 1_048_576;
const HISTORY_SIZE = 2_000;
const TEST_DEADLINE_MS = 90_000;

const OPEN = { subscribe: 'anyone', publish: 'anyone', history: 'anyone' } as const;
const CONFIG = { namespaces: { open: { ...OPEN, historySize: HISTORY_SIZE }, closed: {} } };

export function contract(wire: WireUnderTest): void {
  const needs = (capability: Capability) => test.skipIf(!wire.capabilities.has(capability));

  describe(`the contract of the wire ${wire.name}`, () => {
    const stack = useFleet({
      edges: 2,
      config: CONFIG,
      edgeEnv: { HALLEY_SLOW_READER_BYTES: String(SLOW_READER_BYTES) },
    });

    async function publish(channel: string, data: unknown): Promise<string> {
      return field(await stack.rest.publish(channel, data), 'id');
    }

    async function publishAll(channel: string, from: number, to: number): Promise<string[]> {
      const ids: string[] = [];
      for (let data = from; data <= to; data += 1) ids.push(await publish(channel, data));
      return ids;
    }

    test('connect: with a token, and without', async () => {
      const peer = await wire.open(stack.edge(), { token: tokenFor('ann') });
      await peer.close();
      const anonymous = await wire.open(stack.edge());
      await anonymous.close();
    });

    test('subscribe: messages from then on arrive, those of other channels do not', async () => {
      const channel = channelIn('open');
      const before = await publish(channel, 'before');
      const peer = await wire.open(stack.edge());
      expect((await peer.subscribe(channel)).position).toBe(before);
      const id = await publish(channel, { hi: 1 });
      await publish(channelIn('open'), 'elsewhere');
      expect(await receivedAll(peer, channel, 1)).toEqual([{ id, data: { hi: 1 } }]);
      await peer.close();
    });

    test('receive in order: every edge gives each message once and in the order of the log', async () => {
      const channel = channelIn('open');
      const peers = await Promise.all([0, 1].map((index) => wire.open(stack.edge(index))));
      for (const peer of peers) await peer.subscribe(channel);
      const count = 200;
      const posts = Array.from({ length: count }, (_, data) => publish(channel, data));
      await Promise.all(posts);
      const [first = [], second] = await Promise.all(
        peers.map((peer) => receivedAll(peer, channel, count)),
      );
      expect(second).toEqual(first);
      expect(new Set(first.map(({ data }) => data)).size).toBe(count);
      expect(first.map(({ id }) => orderOf(id))).toEqual(
        first.map(({ id }) => orderOf(id)).toSorted(byOrder),
      );
      for (const peer of peers) await peer.close();
    });

    needs('resume')(
      'resume: on another edge, what was missed comes, then live messages',
      async () => {
        const channel = channelIn('open');
        const before = await wire.open(stack.edge(0));
        await before.subscribe(channel);
        const [last] = await publishAll(channel, 1, 1);
        await receivedAll(before, channel, 1);
        await before.close();
        const missed = await publishAll(channel, 2, 4);
        const after = await wire.open(stack.edge(1));
        const resumed = await after.subscribe(channel, last);
        expect(resumed).toEqual({ position: missed.at(-1), recovered: true });
        await publish(channel, 5);
        expect(dataOf(await receivedAll(after, channel, 4))).toEqual([2, 3, 4, 5]);
        await after.close();
      },
    );

    needs('resume')(
      'resume: a position that proves nothing is told, and all is replayed',
      async () => {
        const channel = channelIn('open');
        await publishAll(channel, 1, 3);
        const peer = await wire.open(stack.edge());
        const resumed = await peer.subscribe(channel, '1700000000000-0.zzzz');
        expect(resumed.recovered).toBe(false);
        expect(dataOf(await receivedAll(peer, channel, 3))).toEqual([1, 2, 3]);
        await peer.close();
      },
    );

    needs('private')(
      'private message: reaches its client alone, at once and from the queue',
      async () => {
        const token = tokenFor('bob');
        const other = await wire.open(stack.edge(), { token: tokenFor('carl') });
        const first = await stack.rest.publishPrivate('bob', 'while away');
        expect(first.body).toMatchObject({ edges: 0 });
        const peer = await wire.open(stack.edge(), { token });
        await receivedAll(peer, null, 1);
        const second = await stack.rest.publishPrivate('bob', 'live');
        expect(await receivedAll(peer, null, 2)).toEqual([
          { id: field(first, 'id'), data: 'while away' },
          { id: field(second, 'id'), data: 'live' },
        ]);
        await peer.close();
        const again = await wire.open(stack.edge(1), { token, queueAfter: field(first, 'id') });
        expect(dataOf(await receivedAll(again, null, 1))).toEqual(['live']);
        expect(other.received(null)).toEqual([]);
        await again.close();
        await other.close();
      },
    );

    needs('refusal-codes')('refuse: who lacks the right is told so by its code', async () => {
      const peer = await wire.open(stack.edge());
      await expectRefusal(peer.subscribe(channelIn('closed')), 'forbidden');
      await expectRefusal(peer.subscribe('no channel'), 'bad-channel');
      await expectRefusal(wire.open(stack.edge(), { token: 'x.y.z' }), 'bad-token');
      const expired = tokenFor('ann', { ttlSeconds: 1 }, Date.now() - 60_000);
      await expectRefusal(wire.open(stack.edge(), { token: expired }), 'token-expired');
      await peer.close();
    });

    needs('push')(
      'slow reader: it is cut, others are not, and a resume gives it the rest',
      async () => {
        const channel = channelIn('open');
        const edge = stack.edge();
        const slow = await wire.open(edge);
        const quick = await wire.open(edge);
        const start = await slow.subscribe(channel);
        await quick.subscribe(channel);
        slow.pause();
        const count = await floodUntilCut(edge, channel);
        await receivedAll(quick, channel, count, TEST_DEADLINE_MS);
        slow.resume();
        const code = await within(slow.ended, 'the slow reader is cut');
        expect([null, 'slow-reader']).toContain(code);
        const seen = slow.received(channel);
        expect(dataOf(seen)).toEqual(dataOf(quick.received(channel)).slice(0, seen.length));
        const again = await wire.open(stack.edge(1));
        const resumed = await again.subscribe(channel, seen.at(-1)?.id ?? start.position);
        expect(resumed.recovered).toBe(true);
        await publish(channel, 'end');
        const rest = await receivedAll(again, channel, count - seen.length + 1);
        expect(new Set([...seen, ...rest].map(({ id }) => id)).size).toBe(count + 1);
        await quick.close();
        await again.close();
      },
      TEST_DEADLINE_MS,
    );

    needs('goodbye')('drain: a leaving edge says so; its clients resume elsewhere', async () => {
      const channel = channelIn('open');
      const leaving = await stack.fleet.addEdge();
      const peer = await wire.open(leaving);
      const { position } = await peer.subscribe(channel);
      const exit = leaving.terminate();
      await within(peer.goodbye, 'the edge says goodbye');
      const id = await publish(channel, 'on the move');
      const moved = await wire.open(stack.edge());
      expect(await moved.subscribe(channel, position)).toMatchObject({ recovered: true });
      expect(await receivedAll(moved, channel, 1)).toEqual([{ id, data: 'on the move' }]);
      await peer.close();
      await moved.close();
      expect(await exit).toMatchObject({ code: 0 });
    });

    /** Publishes until the edge has cut a connection. @returns how many messages */
    async function floodUntilCut(edge: EdgeProcess, channel: string): Promise<number> {
      const padding = 'x'.repeat(LARGE_BYTES);
      for (let count = 1; count * LARGE_BYTES < FLOOD_MAX_BYTES; count += 1) {
        await publish(channel, `${count} ${padding}`);
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
  channel: string | null,
  count: number,
  deadlineMs?: number,
): Promise<readonly { id: string; data: unknown }[]> {
  const has = () => peer.received(channel).length >= count;
  await eventually(has, `${count} messages of ${channel ?? 'the queue'}`, deadlineMs);
  const received = peer.received(channel);
  expect(received).toHaveLength(count);
  return received;
}

function dataOf(deliveries: readonly { data: unknown }[]): unknown[] {
  return deliveries.map(({ data }) => data);
}

/** The stream id of a position as two numbers. */
function orderOf(position: string): [ms: number, sequence: number] {
  const [, ms, sequence] = /^(\d+)-(\d+)/.exec(position) ?? [];
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
