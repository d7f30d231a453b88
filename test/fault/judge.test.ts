/** What the judge makes of histories that no short run has: times, and what happens after a loss. */

import { expect, test } from 'vitest';
import { type Entry, queueOf } from './history.js';
import { NO_LOSSES } from './judge/ledger.js';
import { errorsOf, judge, NO_ERRORS } from './judge.js';

const STREAM = 'plain:c';
const at = 1_000;

function id(n: number): string {
  return `${1_700_000_000_000 + n}-0.aaaa`;
}

function published(n: number, stream = STREAM, extra: Partial<Entry> = {}): Entry {
  const number = `m${n}`;
  const entry = { kind: 'published', at, sentAt: at, stream, number, id: id(n), attempts: 1 };
  return { ...entry, outcome: 'accepted', ...extra } as Entry;
}

function subscribed(after: number | null, position: number, recovered?: boolean): Entry {
  const shown = after === null ? null : id(after);
  const who = { subscriber: 's', connection: after === null ? 1 : 2 };
  return {
    kind: 'subscribed',
    at,
    ...who,
    stream: STREAM,
    after: shown,
    position: id(position),
    recovered,
  };
}

function received(n: number, connection = 1, fields: Partial<Entry> = {}): Entry {
  const entry = { kind: 'received', at, subscriber: 's', connection, stream: STREAM };
  return { ...entry, id: id(n), number: `m${n}`, ...fields } as Entry;
}

function verdictOf(entries: readonly Entry[], losses = NO_LOSSES) {
  return judge({ entries, losses, steady: new Set(['s']) });
}

const four = [1, 2, 3, 4].map((n) => published(n));

test('what is repeated on the next connection is dropped by its id, and is no double', () => {
  const story = [subscribed(null, 0), received(1), received(2), subscribed(1, 2, true)];
  const verdict = verdictOf([...four, ...story, received(2, 2), received(3, 2), received(4, 2)]);
  expect(errorsOf(verdict)).toEqual(NO_ERRORS);
  expect(verdict).toMatchObject({ deduped: 1, checked: 4 });
});

test('a replay that was cut, and made good by the next resume, is no hole', () => {
  const story = [subscribed(null, 0), received(1), subscribed(1, 3, true), received(2, 2)];
  const rest = [subscribed(2, 3, true), received(3, 2), received(4, 2)];
  expect(errorsOf(verdictOf([...four, ...story, ...rest]))).toEqual(NO_ERRORS);
});

test('a hole in a replay counts though it is filled later', () => {
  const story = [subscribed(null, 0), received(1), subscribed(1, 3, true), received(3, 2)];
  const rest = [subscribed(1, 3, false), received(2, 2), received(3, 2), received(4, 2)];
  const verdict = verdictOf([...four, ...story, ...rest]);
  expect(verdict).toMatchObject({ lost: 0, falseRecovered: 1 });
});

test('what was told covers what lies before it, and nothing else', () => {
  const told = [subscribed(null, 0), received(1), subscribed(1, 2, false), received(4, 2)];
  expect(verdictOf([...four, ...told])).toMatchObject({ told: 1, lost: 1 });
});

test('a position without a message tells of all that Redis has lost, and of nothing else', () => {
  const empty = { position: `0-${1_700_000_000_003}` } as Partial<Entry>;
  const told = { ...subscribed(1, 0, false), ...empty } as Entry;
  const story = [subscribed(null, 0), received(1), told, received(4, 2)];
  const losses = { lost: new Set([id(2)]), neverHeld: new Set<string>() };
  expect(verdictOf([...four, ...story], losses)).toMatchObject({ told: 1, lost: 1 });
});

test('one number under two ids is no double where Redis has lost one of them', () => {
  const lost = new Set([id(1)]);
  const again = received(2, 1, { number: 'm1' } as Partial<Entry>);
  const entries = [published(2, STREAM, { number: 'm1' } as Partial<Entry>), subscribed(null, 0)];
  const story = [...entries, received(1), again];
  expect(verdictOf(story, { lost, neverHeld: lost }).doubled).toBe(0);
  expect(verdictOf(story).doubled).toBe(1);
});

test('an outcome that stayed unknown may come once, and need not come', () => {
  const unknown = published(1, STREAM, { outcome: 'unknown', id: undefined } as Partial<Entry>);
  expect(errorsOf(verdictOf([unknown, subscribed(null, 0)]))).toEqual(NO_ERRORS);
  expect(errorsOf(verdictOf([unknown, subscribed(null, 0), received(1)]))).toEqual(NO_ERRORS);
  const twice = received(2, 1, { number: 'm1' } as Partial<Entry>);
  expect(verdictOf([unknown, subscribed(null, 0), received(1), twice]).doubled).toBe(1);
});

test('what was refused must not come', () => {
  const refused = published(1, STREAM, { outcome: 'refused', id: undefined } as Partial<Entry>);
  expect(verdictOf([refused, subscribed(null, 0), received(1)]).strange).toBe(1);
});

test('who has left misses nothing that comes later, but a hole before', () => {
  const left = { kind: 'left', at, subscriber: 's', connection: 1 } as const;
  const story = [subscribed(null, 0), received(1), received(3), left];
  expect(verdictOf([...four, ...story])).toMatchObject({ checked: 3, lost: 1 });
});

test('a private message comes to one of its connections, within its minute', () => {
  const stream = queueOf('alice');
  const of = (subscriber: string, entry: Entry, time = at): Entry =>
    ({ ...entry, subscriber, stream, at: time }) as Entry;
  const privates = [published(1, stream), published(2, stream), published(3, stream)];
  const begun = [of('a', subscribed(null, 0)), of('b', subscribed(null, 0))];
  const came = [of('a', received(1)), of('b', received(2), at + 60_001)];
  const verdict = verdictOf([...privates, ...begun, ...came]);
  expect(verdict).toMatchObject({ checked: 3, lost: 1, privateLate: 1 });
});

test('an alarm without need is an error only where Redis was well', () => {
  const mark = { kind: 'fault', name: 'f' } as const;
  const alarm = [subscribed(null, 0), subscribed(0, 1, false), received(1, 2)];
  const needless = (isOutsideRedis: boolean, beganAt: number, endedAt: number) =>
    verdictOf([
      published(1),
      { ...mark, isOutsideRedis, phase: 'begin', at: beganAt },
      { ...mark, isOutsideRedis, phase: 'end', at: endedAt },
      ...alarm,
    ]).needlessAlarms;
  expect(needless(true, 900, 950)).toBe(1);
  expect(needless(false, 900, 950)).toBe(0);
  expect(needless(false, 900, 5_000)).toBe(0);
  expect(needless(false, -20_000, -15_000)).toBe(1);
  expect(needless(false, 5_000, 6_000)).toBe(1);
});

test('delays are told by fault: from the answer to the receipt, and silences', () => {
  const mark = { kind: 'fault', name: 'f', isOutsideRedis: true } as const;
  const verdict = verdictOf([
    subscribed(null, 0),
    published(1),
    { ...mark, phase: 'begin', at: 2_000 },
    { ...mark, phase: 'end', at: 4_000 },
    received(1, 1, { at: 4_500 } as Partial<Entry>),
  ]);
  expect(verdict.delays).toEqual([
    { fault: 'f', lengthMs: 2_000, longestDeliveryMs: 3_500, longestSilenceMs: 2_500 },
  ]);
});
