/** One connection for several tabs: who asks what, who hears what, and what a tab that comes late gets. */

import type { ServerFrame, WelcomeFrame } from '@halley/shared/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ClientFrame } from '../../libs/sdk/dist/frames.js';
import { Hub } from '../../libs/sdk/dist/hub.js';
import type { Note } from '../../libs/sdk/dist/line.js';
import { QueueRelay } from '../../libs/sdk/dist/queue-relay.js';
import { Session } from '../../libs/sdk/dist/session.js';
import { TIMINGS } from '../../libs/sdk/dist/timings.js';
import { positionAt, ScriptedNetwork, seekerOptions, settle } from '../kit/sdk-doubles.js';

const P = (n: number) => positionAt(n);
/** As a session writes them: the tab that asks, and which of its questions. */
const refOf = (tab: string, count: number) => `${tab}.${count}`;

/** A hub whose tabs write down what they are told. */
class HubUnderTest {
  readonly network = new ScriptedNetwork();
  readonly hub: Hub;
  readonly #notes = new Map<string, Note[]>();

  constructor(queueAfter: string | null = null) {
    const options = seekerOptions(this.network, { client: 'alice' });
    const queue = new QueueRelay();
    queue.begin(queueAfter);
    this.hub = new Hub(options, queue, (tabs, note) => {
      for (const tab of tabs) this.notes(tab).push(note);
    });
  }

  async connect(queue: object = { position: P(0) }): Promise<void> {
    this.hub.start();
    await settle();
    this.network.last.welcome({ queue } as never);
  }

  /** The connection is lost, and the next one is welcome. */
  async reconnect(fields: Partial<WelcomeFrame> = {}): Promise<void> {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    this.network.last.end({ advice: 'reconnect' });
    await settle();
    this.network.last.welcome(fields);
  }

  notes(tab: string): Note[] {
    const known = this.#notes.get(tab);
    if (known !== undefined) return known;
    const notes: Note[] = [];
    this.#notes.set(tab, notes);
    return notes;
  }

  /** Frames that a tab has got since the last look. */
  taken(tab: string): ServerFrame[] {
    return this.notes(tab)
      .splice(0)
      .flatMap((note) => (note.type === 'frame' ? [note.frame] : []));
  }

  /** Data of the private messages among them. */
  privates(tab: string): unknown[] {
    return this.taken(tab).flatMap((frame) => (frame.type === 'private' ? [frame.data] : []));
  }

  /** Frames that the edge has got since the last look. */
  sent(): ClientFrame[] {
    return this.network.last.sent.splice(0);
  }

  subscribe(tab: string, channel: string, ref = 1): void {
    this.hub.receive(tab, [{ type: 'subscribe', ref: refOf(tab, ref), channel }]);
  }

  message(channel: string, n: number): void {
    this.network.last.frame({ type: 'message', channel, id: P(n), data: n });
  }

  private(n: number): void {
    this.network.last.frame({ type: 'private', id: P(n), data: n });
  }
}

let one: HubUnderTest;

beforeEach(async () => {
  vi.useFakeTimers();
  one = new HubUnderTest();
  one.hub.join('a', null);
  one.hub.join('b', null);
  await one.connect();
});

afterEach(async () => {
  one.hub.stop();
  // What was due in this turn.
  await settle();
  expect(vi.getTimerCount()).toBe(0);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('questions', () => {
  const answer = (ref: string) =>
    ({ type: 'members', ref, channel: 'c', count: 1, members: [], more: false }) as const;

  test('each tab has the answers to its own', () => {
    for (const tab of ['a', 'b']) {
      one.taken(tab);
      one.hub.receive(tab, [{ type: 'members', ref: refOf(tab, 1), channel: 'c' }]);
    }
    const refs = one.sent().map((frame) => ('ref' in frame ? frame.ref : 0));
    expect(refs).toEqual([refOf('a', 1), refOf('b', 1)]);
    one.network.last.frame(answer(refOf('b', 1)));
    expect(one.taken('a')).toEqual([]);
    expect(one.taken('b')).toEqual([answer(refOf('b', 1))]);
  });

  test('an answer does not come to a tab that has left, or that nobody knows', () => {
    one.hub.leave('b');
    for (const tab of ['b', 'x', '']) one.network.last.frame(answer(refOf(tab, 1)));
    for (const tab of ['a', 'b', 'x', '']) expect(one.taken(tab)).toEqual([]);
  });

  test('what a tab says while there is no connection, or that nobody knows, goes nowhere', async () => {
    one.subscribe('x', 'c');
    one.network.last.end({ advice: 'reconnect' });
    one.subscribe('a', 'c');
    expect(one.sent()).toEqual([]);
  });
});

describe('channels', () => {
  test('a message goes to those who hold its channel, and to no others', () => {
    one.subscribe('a', 'c');
    one.subscribe('b', 'd');
    one.taken('a');
    one.taken('b');
    one.message('c', 1);
    one.message('e', 1);
    expect(one.taken('a')).toMatchObject([{ channel: 'c' }]);
    expect(one.taken('b')).toEqual([]);
  });

  test('the edge is told when the last one lets go', () => {
    one.subscribe('a', 'c');
    one.subscribe('b', 'c');
    one.sent();
    const unsubscribe = { type: 'unsubscribe', ref: 9, channel: 'c' } as const;
    one.hub.receive('a', [unsubscribe]);
    expect(one.sent()).toEqual([]);
    one.message('c', 1);
    expect(one.taken('a').filter(({ type }) => type === 'message')).toEqual([]);
    one.hub.receive('a', [unsubscribe]);
    expect(one.sent()).toEqual([]);
    one.hub.receive('b', [unsubscribe]);
    expect(one.sent()).toMatchObject([{ type: 'unsubscribe', channel: 'c' }]);
  });

  test('nobody is told what the edge answers to that', () => {
    one.subscribe('a', 'c');
    one.hub.receive('a', [{ type: 'unsubscribe', ref: 9, channel: 'c' }]);
    const ref = one.sent().flatMap((frame) => (frame.type === 'unsubscribe' ? [frame.ref] : []))[0];
    one.taken('a');
    one.network.last.frame({ type: 'unsubscribed', ref: ref ?? 0, channel: 'c' });
    expect(one.taken('a')).toEqual([]);
  });

  test.each([
    ['leaves', (hub: Hub) => hub.leave('a')],
    ['comes anew', (hub: Hub) => hub.join('a', null)],
  ])('a tab that %s lets go of its channels alone', (_, act) => {
    for (const channel of ['c', 'd']) one.subscribe('a', channel);
    one.subscribe('b', 'd');
    one.sent();
    act(one.hub);
    expect(one.sent()).toMatchObject([{ type: 'unsubscribe', channel: 'c' }]);
    one.taken('a');
    one.message('d', 1);
    expect(one.taken('a')).toEqual([]);
    expect(one.taken('b')).toContainEqual(expect.objectContaining({ channel: 'd' }));
  });

  test('one that the edge ends is told to all who hold it, and held no more', () => {
    one.subscribe('a', 'c');
    one.subscribe('b', 'c');
    one.taken('a');
    one.taken('b');
    one.network.last.frame({ type: 'unsubscribed', channel: 'c', code: 'banned' });
    one.message('c', 1);
    for (const tab of ['a', 'b']) {
      expect(one.taken(tab)).toEqual([{ type: 'unsubscribed', channel: 'c', code: 'banned' }]);
    }
    one.sent();
    one.hub.leave('a');
    expect(one.sent()).toEqual([]);
  });

  test('after a loss nobody holds anything: all is asked for again', async () => {
    one.subscribe('a', 'c');
    one.notes('a').length = 0;
    await one.reconnect({ connectionId: 'c2' });
    expect(one.notes('a').filter(({ type }) => type !== 'state')).toMatchObject([
      { type: 'down' },
      { type: 'up', connectionId: 'c2' },
    ]);
    one.taken('a');
    one.message('c', 1);
    expect(one.taken('a')).toEqual([]);
  });
});

describe('tabs that come and go', () => {
  test('a late one is told how things are', () => {
    one.hub.join('late', null);
    expect(one.notes('late')).toMatchObject([
      { type: 'state', state: { name: 'connected' } },
      { type: 'up', connectionId: 'c1', queuePosition: P(0) },
    ]);
  });

  test('states reach all, but nobody after the end', async () => {
    one.network.last.end({ advice: 'stop', code: 'disconnected' });
    for (const tab of ['a', 'b']) {
      expect(one.notes(tab).at(-1)).toMatchObject({
        type: 'state',
        state: { name: 'closed', code: 'disconnected' },
      });
    }
    const before = one.notes('a').length;
    one.hub.stop();
    expect(one.notes('a')).toHaveLength(before);
  });
});

describe('private messages', () => {
  test('reach all tabs, once', () => {
    for (const n of [1, 2, 2, 1]) one.private(n);
    expect(one.privates('a')).toEqual([1, 2]);
    expect(one.privates('b')).toEqual([1, 2]);
  });

  test('one acknowledgement for all of a turn', async () => {
    one.sent();
    for (const n of [1, 2, 3]) one.private(n);
    await settle();
    expect(one.sent()).toEqual([{ type: 'ack', id: P(3) }]);
    one.private(4);
    await settle();
    expect(one.sent()).toEqual([{ type: 'ack', id: P(4) }]);
  });

  test('a late tab gets what it has not seen, after it was told that it is up', () => {
    for (const n of [1, 2, 3]) one.private(n);
    one.hub.join('late', P(1));
    expect(one.notes('late').map(({ type }) => type)).toEqual(['state', 'up', 'frame', 'frame']);
    expect(one.notes('late')[1]).toMatchObject({ gap: null });
    expect(one.privates('late')).toEqual([2, 3]);
  });

  test('a late tab whose place is not known any more has a gap', () => {
    one.private(1);
    one.hub.join('late', P(-5));
    expect(one.notes('late').at(-1)).toMatchObject({ type: 'up', gap: P(1) });
  });

  test('a late tab that has seen all, or nothing, is told nothing', () => {
    one.private(1);
    one.hub.join('all', P(1));
    one.hub.join('new', null);
    for (const tab of ['all', 'new']) {
      expect(one.notes(tab).at(-1)).toMatchObject({ type: 'up', gap: null });
    }
  });

  test('a tab that comes before the connection, and has seen less, gets the rest with it', async () => {
    for (const n of [1, 2, 3]) one.private(n);
    await settle();
    vi.spyOn(Math, 'random').mockReturnValue(0);
    one.network.last.end({ advice: 'reconnect' });
    one.hub.join('behind', P(1));
    one.hub.join('ahead', P(5));
    one.hub.join('lost', P(-5));
    await settle();
    one.network.last.welcome({ queue: { position: P(6), recovered: true, replayed: 3 } } as never);
    for (const n of [4, 5, 6]) one.private(n);
    const upOf = (tab: string) => one.notes(tab).find(({ type }) => type === 'up');
    expect(upOf('behind')).toMatchObject({ gap: null });
    expect(upOf('ahead')).toMatchObject({ gap: null });
    expect(upOf('lost')).toMatchObject({ gap: P(3) });
    expect(one.privates('behind')).toEqual([2, 3, 4, 5, 6]);
    // What it has seen already its session drops.
    expect(one.privates('ahead')).toEqual([4, 5, 6]);
    // Once: the next connection finds it up to date.
    await settle();
    await one.reconnect({ queue: { position: P(6), recovered: true } });
    expect(one.privates('behind')).toEqual([]);
  });

  test('the next connection goes on from what was seen', async () => {
    one.private(7);
    await settle();
    await one.reconnect();
    expect(one.network.last.options.queueAfter).toBe(P(7));
  });

  /** A session on tab `a`, as it is in a page. */
  function listen(): { privates: unknown[]; gaps: unknown[]; read(): void } {
    const privates: unknown[] = [];
    const gaps: unknown[] = [];
    const session = new Session('a', TIMINGS, {
      onPrivate: ({ data }) => privates.push(data),
      onGap: (gap) => gaps.push(gap),
      onFault: () => undefined,
    });
    const read = () => {
      for (const note of one.notes('a').splice(0)) session.receive(note);
    };
    return { privates, gaps, read };
  }

  test('what is replayed after a gap reaches the application, once', async () => {
    const { privates, gaps, read } = listen();
    for (const n of [1, 2]) one.private(n);
    await settle();
    await one.reconnect({ queue: { position: P(6), recovered: false, replayed: 3 } });
    for (const n of [2, 5, 6, 7]) one.private(n);
    read();
    expect(gaps).toHaveLength(1);
    expect(privates).toEqual([1, 2, 5, 6, 7]);
    await settle();
  });
});
