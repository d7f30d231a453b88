/** The order and the retries of a connection's messages, and what is told of them. */

import { ManagerCounters } from '@halley/api/dist/compat/megacomet/counters.js';
import { OrderedPublisher } from '@halley/api/dist/compat/megacomet/ordered-publisher.js';
import { createLogger, Metrics } from '@halley/shared/ops';
import { type Code, type PublishOutcome, refusal } from '@halley/shared/protocol';
import { describe, expect, test } from 'vitest';

const STORED: PublishOutcome = { id: '1-0.aaaa', edges: 1 };

/** A store that gives these outcomes in turn, then takes everything; `taken` is what it took, in order. */
class Store {
  readonly asked: string[] = [];
  readonly taken: string[] = [];
  readonly #outcomes: (Code | 'stored')[];

  constructor(...outcomes: (Code | 'stored')[]) {
    this.#outcomes = outcomes;
  }

  toClient(clientId: string, body: string): Promise<PublishOutcome> {
    const outcome = this.#outcomes.shift() ?? 'stored';
    this.asked.push(clientId + body);
    if (outcome !== 'stored') return Promise.resolve(refusal(outcome));
    this.taken.push(clientId + body);
    return Promise.resolve(STORED);
  }
}

class Counts {
  stored(): void {
    this.all.push('stored');
  }

  dropped({ code }: { readonly code: Code }): void {
    this.all.push(code);
  }

  retried(): void {
    this.retries += 1;
  }

  readonly all: string[] = [];
  retries = 0;
}

function publisherOver(store: Store, options: { retryMaxMs?: number; signal?: AbortSignal } = {}) {
  const counts = new Counts();
  const { signal = new AbortController().signal } = options;
  const publisher = new OrderedPublisher({
    publisher: store,
    counters: counts,
    ...options,
    signal,
  });
  const publish = (...messages: readonly string[]) =>
    publisher.publish(messages.map(([clientId = '', body = '']) => ({ clientId, body })));
  return { counts, publish };
}

describe('a store that is away', () => {
  test('MM-19: gets all of a batch again, in order', async () => {
    const store = new Store('unavailable', 'unavailable', 'unavailable', 'unavailable');
    const { counts, publish } = publisherOver(store);
    await publish('a1', 'b1');
    expect(store.taken).toEqual(['a1', 'b1']);
    expect(store.asked).toHaveLength(6);
    expect(counts).toMatchObject({ all: ['stored', 'stored'], retries: 2 });
  });

  test('MM-17: a message is not sent again behind a later one to its client', async () => {
    const store = new Store('unavailable', 'unavailable', 'stored');
    const { counts, publish } = publisherOver(store);
    await publish('a1', 'b1', 'a2');
    expect(store.taken).toEqual(['a2', 'b1']);
    expect(counts.all.toSorted()).toEqual(['stored', 'stored', 'unavailable']);
  });

  test('MM-17: nor behind one that may have been stored', async () => {
    const store = new Store('unavailable', 'outcome-unknown');
    const { counts, publish } = publisherOver(store);
    await publish('a1', 'a2');
    expect(store.asked).toEqual(['a1', 'a2']);
    expect(counts.all.toSorted()).toEqual(['outcome-unknown', 'unavailable']);
  });

  test('MM-19: for longer than the bound is not waited for; nor is it by what comes then', async () => {
    const store = new Store(...Array.from({ length: 4 }, () => 'unavailable' as const));
    const { counts, publish } = publisherOver(store, { retryMaxMs: 0 });
    await publish('a1', 'b1');
    await publish('a2', 'b2');
    expect(counts).toMatchObject({ all: Array(4).fill('unavailable'), retries: 0 });
    await publish('a3');
    expect(store.taken).toEqual(['a3']);
  });

  test('MM-19: the bound is anew on the next outage', async () => {
    const store = new Store('unavailable', 'stored', 'unavailable');
    const { counts, publish } = publisherOver(store, { retryMaxMs: 50 });
    await publish('a1');
    await publish('a2');
    expect(store.taken).toEqual(['a1', 'a2']);
    expect(counts.retries).toBe(2);
  });

  test('MM-22: is not waited for by an api that stops', async () => {
    const stopping = new AbortController();
    const store = new Store(...Array.from({ length: 1_000 }, () => 'unavailable' as const));
    const { counts, publish } = publisherOver(store, { signal: stopping.signal });
    const published = publish('a1', 'b1');
    stopping.abort();
    await published;
    expect(counts.all).toEqual(['unavailable', 'unavailable']);
    expect(store.asked).toHaveLength(2);
  });
});

test('MM-18: a full queue and an unknown outcome are dropped at once', async () => {
  const store = new Store('queue-full', 'outcome-unknown');
  const { counts, publish } = publisherOver(store);
  await publish('a1', 'b1', 'a2');
  expect(store.asked).toEqual(['a1', 'b1', 'a2']);
  expect(store.taken).toEqual(['a2']);
  expect(counts.retries).toBe(0);
});

test('MM-24: of a flood the log has the first, and the rest as numbers', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', name: 'api' }, { write: (line) => lines.push(line) });
  const metrics = new Metrics();
  const counters = new ManagerCounters(metrics, log, () => 0);
  for (let count = 0; count < 1_000; count += 1) counters.dropped(refusal('bad-frame', 'example'));
  for (let count = 0; count < 7; count += 1) counters.refused('too-many', '127.0.0.1');
  expect(lines).toEqual([expect.stringContaining('"reason":"bad-frame","example":"example"')]);
  counters.close();
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('"counts":{"bad-frame":999,"too-many":7}');
  expect(await metrics.expose()).toContain('dropped_total{reason="bad-frame"} 1000');
});
