/** How far a log has been seen, and what a connection that several tabs share keeps of the queue. */

import type { PrivateFrame } from '@halley/shared/protocol';
import { describe, expect, test } from 'vitest';
import { Progress } from '../../libs/sdk/dist/progress.js';
import { QueueRelay } from '../../libs/sdk/dist/queue-relay.js';
import { positionAt, welcomeFrame } from '../kit/sdk-doubles.js';

/** Ids that a progress remembers. */
const RECENT_MAX = 256;
const P = (n: number) => positionAt(n);

describe('progress', () => {
  test('takes what is new, once, in order', () => {
    const progress = new Progress();
    expect([P(1), P(2), P(2), P(1), P(3)].map((id) => progress.take(id))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(progress.position).toBe(P(3));
  });

  test('takes nothing at or before where it begins', () => {
    const progress = new Progress(P(5));
    expect([P(4), P(5), P(6)].map((id) => progress.take(id))).toEqual([false, false, true]);
  });

  test('an empty position lies before every message', () => {
    expect(new Progress('0-1700000000000').take('5-0.aaaa')).toBe(true);
  });

  test('equal ids with other nonces are two messages, each taken once', () => {
    const progress = new Progress();
    const ids = ['7-0.aaaa', '7-0.bbbb', '7-0.aaaa', '7-0.bbbb'];
    expect(ids.map((id) => progress.take(id))).toEqual([true, true, false, false]);
  });

  test('parts of an id are numbers', () => {
    const progress = new Progress('9-9.aaaa');
    expect(['9-10.aaaa', '10-0.aaaa', '9-11.aaaa'].map((id) => progress.take(id))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('after a proved replay nothing is taken twice', () => {
    const progress = new Progress(P(3));
    const hasGap = progress.resumed({ position: P(5), recovered: true, replayed: 2 });
    expect(hasGap).toBe(false);
    expect([3, 4, 5, 6].map((n) => progress.take(P(n)))).toEqual([false, true, true, true]);
  });

  test('where nothing is replayed it goes on from what the edge said', () => {
    const progress = new Progress(P(3));
    expect(progress.resumed({ position: P(1), recovered: false })).toBe(true);
    expect(progress.position).toBe(P(1));
    expect(progress.take(P(2))).toBe(true);
  });

  test('a replay without a proof: what was seen is known by its id, the rest is new', () => {
    const progress = new Progress();
    for (const n of [4, 5, 6]) progress.take(P(n));
    expect(progress.resumed({ position: P(7), recovered: false, replayed: 4 })).toBe(true);
    // The 3 was never seen; the other master gave the 5 to another message.
    const replay = [P(3), P(4), P(5), positionAt(5, 'zzzz'), P(6), P(7)];
    expect(replay.map((id) => progress.take(id))).toEqual([true, false, false, true, false, true]);
    expect(progress.position).toBe(P(7));
  });

  test('the last messages are replayed to one who has shown nothing', () => {
    const progress = new Progress();
    expect(progress.resumed({ position: P(9), replayed: 2 })).toBe(false);
    expect([P(8), P(9), P(10)].map((id) => progress.take(id))).toEqual([true, true, true]);
  });

  test('a gap jumps, also backward', () => {
    const progress = new Progress(P(9));
    progress.position = P(2);
    expect([P(2), P(3)].map((id) => progress.take(id))).toEqual([false, true]);
  });

  test('no more ids are remembered than it says', () => {
    const progress = new Progress();
    for (let n = 1; n <= RECENT_MAX + 1; n += 1) progress.take(P(n));
    progress.resumed({ position: P(300), recovered: false, replayed: 9 });
    expect(progress.take(P(2))).toBe(false);
    expect(progress.take(P(1))).toBe(true);
  });
});

describe('the queue of a connection that is shared', () => {
  const KEPT_MAX = 1_000;
  const frame = (n: number): PrivateFrame => ({ type: 'private', id: P(n), data: n });
  const welcome = (position: string, fields: object = {}) =>
    welcomeFrame({ queue: { position, ...fields } });
  const dataAfter = (relay: QueueRelay, n: number) =>
    relay.after(P(n))?.map(({ data }) => data) ?? null;

  /** A queue of one whom the edge has welcomed at 0. */
  function begun(): QueueRelay {
    const relay = new QueueRelay();
    relay.welcomed(welcome(P(0)));
    return relay;
  }

  test('without a queue there is no position', () => {
    const relay = new QueueRelay();
    expect(relay.welcomed(welcomeFrame())).toBeNull();
    expect(relay.position).toBeNull();
  });

  test('each message once', () => {
    const relay = begun();
    expect([1, 2, 2, 1].map((n) => relay.take(frame(n)))).toEqual([true, true, false, false]);
    expect(relay.position).toBe(P(2));
  });

  test('who takes over gives what it heard under the leader before to one that did not', () => {
    const heard = begun();
    for (const n of [1, 2, 3]) heard.take(frame(n));
    const relay = new QueueRelay(heard);
    expect(relay.position).toBe(P(3));
    expect(dataAfter(relay, 2)).toEqual([3]);
    expect(relay.take(frame(4))).toBe(true);
    expect(dataAfter(relay, 1)).toEqual([2, 3, 4]);
    expect(dataAfter(heard, 1)).toEqual([2, 3]);
  });

  test('a tab that comes late gets what it has not seen', () => {
    const relay = begun();
    for (const n of [1, 2, 3]) relay.take(frame(n));
    expect(dataAfter(relay, 0)).toEqual([1, 2, 3]);
    expect(dataAfter(relay, 1)).toEqual([2, 3]);
    expect(dataAfter(relay, 3)).toEqual([]);
  });

  test('of a tab from before its time nothing is known', () => {
    const relay = begun();
    relay.take(frame(1));
    expect(dataAfter(relay, -5)).toBeNull();
    expect(relay.after(positionAt(0, 'zzzz'))).toBeNull();
  });

  test('no more than a thousand are kept', () => {
    const relay = begun();
    for (let n = 1; n <= KEPT_MAX + 1; n += 1) relay.take(frame(n));
    expect(dataAfter(relay, 0)).toBeNull();
    expect(dataAfter(relay, 1)).toHaveLength(KEPT_MAX);
    expect(dataAfter(relay, 2)).toHaveLength(KEPT_MAX - 1);
  });

  test('a connection that resumed keeps what it had', () => {
    const relay = begun();
    relay.take(frame(1));
    expect(relay.welcomed(welcome(P(2), { recovered: true, replayed: 1 }))).toBeNull();
    relay.take(frame(2));
    expect(dataAfter(relay, 0)).toEqual([1, 2]);
  });

  test('a gap is told, and what was before it is nothing to go on from', () => {
    const relay = begun();
    relay.take(frame(1));
    expect(relay.welcomed(welcome(P(9), { recovered: false }))).toBe(P(9));
    expect(dataAfter(relay, 0)).toBeNull();
    relay.take(frame(10));
    expect(dataAfter(relay, 9)).toEqual([10]);
  });

  test('a gap in mid-stream likewise', () => {
    const relay = begun();
    relay.take(frame(1));
    relay.jump(P(20));
    expect(relay.position).toBe(P(20));
    expect(dataAfter(relay, 0)).toBeNull();
    expect(dataAfter(relay, 20)).toEqual([]);
  });
});
