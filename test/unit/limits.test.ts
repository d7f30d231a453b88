/** The parts that count: buckets, addresses, connections, load. */

import { Admission } from '@halley/edge/dist/core/admission.js';
import { Callers } from '@halley/edge/dist/core/callers.js';
import { Overload } from '@halley/edge/dist/core/overload.js';
import { take, Usage } from '@halley/edge/dist/core/rate-limit.js';
import { keyOfBytes, keyOfText } from '@halley/edge/dist/transport/address-keys.js';
import { refusal, retryLater } from '@halley/shared/protocol';
import { describe, expect, test } from 'vitest';

const RATE = { perSecond: 10, burst: 5 };
const START_MS = 1_700_000_000_000;

/** How many pass of `count` at one moment. */
function passed(usage: Usage, count: number, nowMs: number): number {
  let passes = 0;
  for (let at = 0; at < count; at += 1) {
    if (take(usage, 'publish', RATE, nowMs) === 0) passes += 1;
  }
  return passes;
}

describe('a token bucket', () => {
  test('lets its burst pass at once, and then so many a second', () => {
    const usage = new Usage();
    expect(passed(usage, 20, START_MS)).toBe(5);
    let later = 0;
    for (let ms = 1; ms <= 1_000; ms += 1) later += passed(usage, 3, START_MS + ms);
    expect(later).toBe(10);
  });

  test('says after how long one passes again: then, and not before', () => {
    const usage = new Usage();
    passed(usage, 5, START_MS);
    const waitMs = take(usage, 'publish', RATE, START_MS);
    expect(waitMs).toBe(100);
    expect(passed(usage, 1, START_MS + waitMs - 1)).toBe(0);
    expect(passed(usage, 2, START_MS + waitMs)).toBe(1);
  });

  test('is full again after its time, however long the rush was', () => {
    const usage = new Usage();
    passed(usage, 100_000, START_MS);
    expect(usage.isOver(START_MS + 499)).toBe(false);
    expect(usage.isOver(START_MS + 500)).toBe(true);
    expect(passed(usage, 20, START_MS + 500)).toBe(5);
  });

  test('has its classes apart, and a rate of 0 has no limit', () => {
    const usage = new Usage();
    passed(usage, 10, START_MS);
    expect(take(usage, 'subscribe', RATE, START_MS)).toBe(0);
    for (let at = 0; at < 1_000; at += 1) {
      expect(take(usage, 'read', { perSecond: 0, burst: 1 }, START_MS)).toBe(0);
    }
  });

  test('a clock that is set back by an hour costs no more than an empty bucket', () => {
    const usage = new Usage();
    passed(usage, 5, START_MS);
    const backMs = START_MS - 3_600_000;
    expect(take(usage, 'publish', RATE, backMs)).toBe(100);
    expect(passed(usage, 20, backMs + 500)).toBeGreaterThan(0);
  });
});

test('callers without a connection are forgotten once they have nothing to wait for', () => {
  const callers = new Callers();
  passed(callers.usageOf('ann'), 5, START_MS);
  expect(passed(callers.usageOf('ann'), 5, START_MS)).toBe(0);
  expect(passed(callers.usageOf(7), 5, START_MS)).toBe(5);
  callers.sweep(START_MS + 499);
  expect(callers.size).toBe(2);
  callers.sweep(START_MS + 500);
  expect(callers.size).toBe(0);
});

test('a hundred thousand callers of one moment are told apart, and more cost no memory', () => {
  const callers = new Callers();
  for (let at = 0; at < 100_100; at += 1) callers.usageOf(at);
  expect(callers.size).toBe(100_000);
  passed(callers.usageOf('one more'), 5, START_MS);
  expect(passed(callers.usageOf('another'), 5, START_MS)).toBe(0);
});

describe('admission', () => {
  const limits = { connections: 3, connectionsPerClient: 2, connectionsPerAddress: 2 };

  test('counts by address and in all, and who leaves makes room', () => {
    const admission = new Admission(limits);
    admission.enter(1);
    admission.enter(1);
    expect(admission.refusalOfAddress(1)).toMatchObject({ code: 'too-many-connections' });
    expect(admission.refusalOfAddress(2)).toBeNull();
    admission.enter(2);
    expect(admission.refusalOfAddress(3)).toMatchObject({ code: 'edge-full' });
    admission.leave(1);
    expect(admission.refusalOfAddress(1)).toBeNull();
    admission.leave(1);
    admission.leave(2);
    expect(admission.fullness()).toBeNull();
  });

  test('a client has its own cap, and 0 connections of an address is no limit', () => {
    const admission = new Admission({ ...limits, connections: 9, connectionsPerAddress: 0 });
    expect(admission.refusalOfClient(1)).toBeNull();
    expect(admission.refusalOfClient(2)).toMatchObject({ code: 'too-many-connections' });
    for (let at = 0; at < 8; at += 1) admission.enter(1);
    expect(admission.refusalOfAddress(1)).toBeNull();
  });
});

describe('an address as a number', () => {
  const bytesOf = (...groups: number[]) =>
    new Uint8Array(groups.flatMap((group) => [group >> 8, group & 0xff]));

  test('is the same by its bytes and by its text, IPv4 inside IPv6 too', () => {
    const address = new Uint8Array([203, 0, 113, 9]);
    expect(keyOfText('203.0.113.9')).toBe(keyOfBytes(address));
    expect(keyOfBytes(bytesOf(0, 0, 0, 0, 0, 0xffff, 0xcb00, 0x7109))).toBe(keyOfBytes(address));
    expect(keyOfText('203.0.113.8')).not.toBe(keyOfText('203.0.113.9'));
  });

  test('of IPv6 is that of the /64', () => {
    const inside = keyOfBytes(bytesOf(0x2001, 0xdb8, 1, 2, 3, 4, 5, 6));
    expect(keyOfText('2001:db8:1:2:ffff::9')).toBe(inside);
    expect(keyOfText('2001:db8:1:2::')).toBe(inside);
    expect(keyOfText('2001:db8:1:3::')).not.toBe(inside);
    expect(keyOfText('2001:db8::1:2:0:0')).toBe(
      keyOfBytes(bytesOf(0x2001, 0xdb8, 0, 0, 1, 2, 0, 0)),
    );
    expect(keyOfText('::1')).toBe(keyOfBytes(bytesOf(0, 0, 0, 0, 0, 0, 0, 1)));
  });

  test('fits into 32 bits, and 100,000 networks hardly meet', () => {
    const keys = new Set<number>();
    for (let at = 0; at < 100_000; at += 1) {
      keys.add(keyOfBytes(bytesOf(0x2001, at >> 16, at & 0xffff, at % 7, 0, 0, 0, 1)));
    }
    expect(keys.size).toBeGreaterThan(99_900);
    expect([...keys].filter((key) => key !== (key | 0))).toEqual([]);
  });
});

describe('overload', () => {
  const limits = { lagMs: 100, backpressureBytes: 1_000 };

  test('is what two looks in a row show, of either kind', () => {
    const overload = new Overload(limits);
    overload.note(101, 0);
    overload.note(0, 0);
    overload.note(0, 1_001);
    expect(overload.isOverloaded).toBe(false);
    overload.note(101, 0);
    expect(overload.isOverloaded).toBe(true);
  });

  test('is over once both are below half, and does not flap in between', () => {
    const overload = new Overload(limits);
    for (const lagMs of [200, 200, 99, 60, 100]) overload.note(lagMs, 0);
    expect(overload.isOverloaded).toBe(true);
    overload.note(49, 501);
    expect(overload.isOverloaded).toBe(true);
    overload.note(49, 499);
    expect(overload.isOverloaded).toBe(false);
    overload.note(101, 0);
    expect(overload.isOverloaded).toBe(false);
  });
});

test('callers who are refused together are told to come back over several seconds', () => {
  const seconds = new Set<number>();
  for (let at = 0; at < 1_000; at += 1) {
    const { retryAfterMs = 0 } = retryLater(refusal('overloaded'));
    expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(retryAfterMs).toBeLessThan(3_000);
    seconds.add(Math.ceil(retryAfterMs / 1_000));
  }
  expect([...seconds].sort()).toEqual([1, 2, 3].filter((second) => seconds.has(second)));
  expect(seconds.size).toBeGreaterThanOrEqual(2);
});
