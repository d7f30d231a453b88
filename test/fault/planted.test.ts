/** The judge is no judge unless it finds what was planted: each kind once, through a real edge that lies. */

import type { ServerFrame } from '@halley/shared/protocol';
import { clientKeys } from '@halley/shared/redis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { useFleet } from '../kit/use-fleet.js';
import { eventually } from '../kit/wait.js';
import { Books } from './books.js';
import { History, queueOf, type Stream } from './history.js';
import { NO_LOSSES } from './judge/ledger.js';
import { errorsOf, judge, NO_ERRORS, type Verdict } from './judge.js';
import { Liar, type Lie } from './liar.js';
import { watchPresence } from './presence-watch.js';
import { Publisher } from './publishers.js';
import { NativeSubscriber } from './subscribers/native.js';
import { CONFIG, readIds } from './world.js';

const PATIENCE = { welcomeMs: 5_000, pongMs: 5_000, backoffMs: 10, backoffMaxMs: 100 };

const stack = useFleet({ edges: 1, apis: 1, config: CONFIG });
let liar: Liar;
let history: History;
let publisher: Publisher;
let subscriber: NativeSubscriber;
let room: string;
let channel: string;
let clientId: string;
let count = 0;

beforeEach(async () => {
  count += 1;
  channel = `plain:planted${count}`;
  // Of its own: who leaves a room stays a member for a moment.
  room = `room:planted${count}`;
  clientId = `client${count}`;
  history = new History();
  liar = await Liar.open(stack.edge().url);
  publisher = new Publisher({
    history,
    name: `p${count}`,
    apis: () => [stack.fleet.api().url],
    streams: [],
    intervalMs: 0,
  });
  const options = { history, url: liar.url, channels: [channel, room], clientId };
  subscriber = new NativeSubscriber({ ...options, name: 'subscriber', patience: PATIENCE });
  await eventually(() => history.of('subscribed').length === 3, 'it is subscribed');
});

afterEach(async () => {
  await subscriber.stop();
  await publisher.stop();
  await liar.stop();
});

async function publish(stream: Stream, messages: number): Promise<void> {
  for (let index = 0; index < messages; index += 1) await publisher.publish(stream);
}

/** The last of what was published has come. */
async function isThrough(stream: Stream): Promise<void> {
  const newest = history.of('published').findLast((one) => one.stream === stream);
  const came = () => history.of('received').some(({ id }) => id === newest?.id);
  await eventually(came, `the last message of ${stream}`);
}

function verdict(): Verdict {
  return judge({ entries: history.entries, losses: NO_LOSSES, steady: new Set() });
}

function expectOnly(kind: keyof typeof NO_ERRORS): void {
  const found = verdict();
  expect({ kind, ...errorsOf(found) }).toEqual({ kind, ...NO_ERRORS, [kind]: 1 });
  expect(found.findings).toHaveLength(1);
}

/** Tells this lie about the n-th message of the channel (or to the client), and the truth otherwise. */
function aboutMessage(n: number, lie: (frame: ServerFrame & { id: string }) => ServerFrame[]): Lie {
  let seen = 0;
  return (frame) => {
    if (frame.type !== 'message' && frame.type !== 'private') return [frame];
    seen += 1;
    return seen === n ? lie(frame) : [frame];
  };
}

describe('live', () => {
  test('an honest edge: nothing is found', async () => {
    await publish(channel, 5);
    await publish(queueOf(clientId), 2);
    await isThrough(channel);
    await isThrough(queueOf(clientId));
    expect(errorsOf(verdict())).toEqual(NO_ERRORS);
    expect(verdict().checked).toBe(7);
  });

  test('a message that is dropped', async () => {
    liar.lie = aboutMessage(3, () => []);
    await publish(channel, 5);
    await isThrough(channel);
    expectOnly('lost');
  });

  test('the last message that is dropped', async () => {
    liar.lie = aboutMessage(5, () => []);
    await publish(channel, 5);
    await eventually(() => history.of('received').length === 4, 'the others');
    expectOnly('lost');
  });

  test('a message that comes twice', async () => {
    liar.lie = aboutMessage(3, (frame) => [frame, frame]);
    await publish(channel, 5);
    await isThrough(channel);
    expectOnly('doubled');
  });

  test('a message that comes again under another id', async () => {
    liar.lie = aboutMessage(3, (frame) => [
      frame,
      { ...frame, id: frame.id.replace(/-(\d+)\.(...)./, '-$1.$2_').replace('-0', '-1') },
    ]);
    await publish(channel, 5);
    await isThrough(channel);
    expectOnly('doubled');
  });

  test('two messages that change places', async () => {
    let held: ServerFrame[] = [];
    const swap = aboutMessage(3, (frame) => {
      held = [frame];
      return [];
    });
    liar.lie = (frame) => {
      const now = swap(frame);
      return now.length === 0 ? [] : [...now, ...held.splice(0)];
    };
    await publish(channel, 5);
    await isThrough(channel);
    expectOnly('outOfOrder');
  });

  test('a message that nobody published', async () => {
    liar.lie = aboutMessage(3, (frame) => [{ ...frame, data: 'made up' } as ServerFrame, frame]);
    await publish(channel, 5);
    await isThrough(channel);
    expect(errorsOf(verdict())).toMatchObject({ strange: 1 });
  });

  test('a private message that is kept back', async () => {
    liar.lie = aboutMessage(2, () => []);
    await publish(queueOf(clientId), 3);
    await isThrough(queueOf(clientId));
    expectOnly('lost');
  });

  test('a gap that is none', async () => {
    liar.lie = aboutMessage(3, (frame) => [
      frame,
      { type: 'gap', channel, position: frame.id } as ServerFrame,
    ]);
    await publish(channel, 5);
    await isThrough(channel);
    expectOnly('needlessAlarms');
  });
});

describe('at a resume', () => {
  /** Cuts the subscriber off, publishes, and lets it come back. */
  async function miss(lie: Lie, isForGood = false): Promise<void> {
    await publish(channel, 2);
    await isThrough(channel);
    const begun = history.of('subscribed').length;
    liar.lie = () => [];
    await publish(channel, 3);
    if (isForGood) await stack.rest.delete(`/channels/${channel}/messages`);
    liar.cut();
    liar.lie = lie;
    await eventually(() => history.of('subscribed').length === begun + 3, 'it is back');
  }

  test('an honest edge: nothing is found', async () => {
    await miss((frame) => [frame]);
    await isThrough(channel);
    expect(errorsOf(verdict())).toEqual(NO_ERRORS);
    expect(history.of('subscribed').at(-1)).toMatchObject({ recovered: true });
  });

  test.each([1, 3])('recovered, but the replay lacks message %i of 3', async (n) => {
    await miss(aboutMessage(n, () => []));
    await publish(channel, 1);
    await isThrough(channel);
    expect(errorsOf(verdict())).toEqual({ ...NO_ERRORS, lost: 1, falseRecovered: 1 });
  });

  test('recovered, but nothing is replayed and nothing comes after', async () => {
    await miss((frame) => (frame.type === 'message' ? [] : [frame]));
    expect(errorsOf(verdict())).toEqual({ ...NO_ERRORS, lost: 3, falseRecovered: 1 });
  });

  test('not recovered, said by an edge that says the contrary', async () => {
    const flip: Lie = (frame) =>
      frame.type === 'subscribed' && frame.recovered === false
        ? [{ ...frame, recovered: true }]
        : [frame];
    await miss(flip, true);
    expect(errorsOf(verdict())).toEqual({ ...NO_ERRORS, lost: 3, falseRecovered: 1 });
  });

  test('the same from an honest edge: the client is told', async () => {
    await miss((frame) => [frame], true);
    expect(verdict()).toMatchObject({ ...NO_ERRORS, told: 3 });
  });

  test('not recovered, though everything is replayed', async () => {
    await miss((frame) =>
      frame.type === 'subscribed' && frame.channel === channel
        ? [{ ...frame, recovered: false }]
        : [frame],
    );
    await isThrough(channel);
    expectOnly('needlessAlarms');
  });
});

describe('presence', () => {
  async function look(): Promise<void> {
    const subscribers = [subscriber];
    const api = () => stack.fleet.api().url;
    await watchPresence({ history, api, subscribers, room, gone: ['nobody'], deadlineMs: 0 });
  }

  /** As if the last fault lay so long back. */
  function judgeLater(): Verdict {
    const mark = { kind: 'fault', name: 'planted', isOutsideRedis: true } as const;
    const past = { ...mark, phase: 'end', at: performance.now() - 16_000 } as const;
    const entries = [past, ...history.entries];
    return judge({ entries, losses: NO_LOSSES, steady: new Set() });
  }

  test('an honest Redis: nothing is found', async () => {
    await look();
    expect(judgeLater()).toMatchObject({ presenceWrong: 0, presenceChecked: 3 });
  });

  test('a client that is not where it is', async () => {
    await stack.redis.client.hdel(clientKeys(clientId).presence, clientId);
    await look();
    expect(judgeLater()).toMatchObject({ ...NO_ERRORS, presenceWrong: 1 });
  });

  test('a client that has gone and is still there', async () => {
    const edge = subscriber.edgeId ?? '';
    await stack.redis.client.hset(clientKeys('nobody').presence, 'nobody', edge);
    await look();
    await stack.redis.client.hdel(clientKeys('nobody').presence, 'nobody');
    expect(judgeLater()).toMatchObject({ ...NO_ERRORS, presenceWrong: 1 });
  });
});

test.each([true, false])(
  'a client on a dead edge counts where a sweep is expected: %s',
  async (is) => {
    const { presence } = clientKeys(clientId);
    await stack.redis.client.hset(presence, clientId, `${subscriber.edgeId},deadedge`);
    const subscribers = [subscriber];
    const api = () => stack.fleet.api().url;
    const options = { history, api, subscribers, room, gone: [], deadlineMs: 0 };
    await watchPresence({ ...options, expectSweep: is });
    const said = history.of('presence').map(({ seen }) => seen.includes('deadedge'));
    expect(said.some(Boolean)).toBe(is);
  },
);

test('the books: what Redis itself has lost is counted, and nobody is blamed', async () => {
  const books = new Books({ storedIds: (stream) => readIds(stack.redis.client, stream) }, history);
  await publish(channel, 2);
  await isThrough(channel);
  await books.look();
  liar.lie = () => [];
  await publish(channel, 3);
  await stack.redis.flush();
  await books.look();
  const entries = history.entries;
  const found = judge({ entries, losses: books, steady: new Set() });
  expect(found).toMatchObject({ ...NO_ERRORS, lostByRedis: 5, takenOffTheBooks: 3, checked: 2 });
});
