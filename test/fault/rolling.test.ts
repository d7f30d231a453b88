/** Every edge replaced under numbered messages on every wire; and edges whose clients will not go. */

import { expect, test } from 'vitest';
import { connect } from '../kit/native-client.js';
import { Random } from '../kit/random.js';
import { eventually } from '../kit/wait.js';
import { useWorld } from './bench.js';
import { running } from './faults/fleet.js';
import { Front } from './front.js';
import type { Connected } from './history.js';
import { errorsOf, NO_ERRORS } from './judge.js';
import { describeVerdict, Run } from './run.js';
import { NativeSubscriber } from './subscribers/native.js';
import type { Fault } from './world.js';
import { startStandalone } from './worlds/standalone.js';

const DRAIN_SECONDS = 3;
/** Share of the window over which goodbyes are spread. */
const SPREAD = 0.8;
const GRACE_MS = 50;
const IDLE_CLIENTS = 90;
const DEADLINE_MS = 90_000;
const PATIENCE = { welcomeMs: 5_000, pongMs: 5_000, backoffMs: 100, backoffMaxMs: 1_000 };
const ENV = {
  HALLEY_DRAIN_SECONDS: String(DRAIN_SECONDS),
  HALLEY_DRAIN_GRACE_MS: String(GRACE_MS),
  HALLEY_PING_INTERVAL_MS: '5000',
};

const bench = useWorld(() => startStandalone({ lengthMs: 0, env: ENV }));

/** New edge up, old one told to go, until none of the old ones is left. */
function restarts(front: Front): Fault[] {
  return [1, 2, 3].map((number) => ({
    name: `restart ${number}`,
    isOutsideRedis: true,
    inject: async ({ fleet }) => {
      const [oldest] = running(fleet.edges);
      if (oldest === undefined) throw new Error('no edge runs');
      await fleet.addEdge();
      front.avoid(oldest);
      const { code } = await oldest.terminate(DRAIN_SECONDS * 5_000);
      expect(code).toBe(0);
    },
  }));
}

/** The most connects in one second, and of one client. */
function peaksOf(connects: readonly Connected[]): { perSecond: number; perClient: number } {
  const times = connects.map(({ at }) => at).sort((a, b) => a - b);
  let first = 0;
  let perSecond = 0;
  for (const [last, at] of times.entries()) {
    while (at - (times[first] ?? at) >= 1_000) first += 1;
    perSecond = Math.max(perSecond, last - first + 1);
  }
  const byClient = new Map<string, number>();
  for (const { subscriber } of connects) {
    byClient.set(subscriber, (byClient.get(subscriber) ?? 0) + 1);
  }
  return { perSecond, perClient: Math.max(0, ...byClient.values()) };
}

test(
  'a rolling restart loses nothing, and nobody is hit by a storm',
  async () => {
    const { world, front } = bench;
    const faults = restarts(front);
    const run = new Run({ world, front, faults, seed: 1, patience: PATIENCE, intervalMs: 50 });
    const idle = Array.from({ length: IDLE_CLIENTS }, (_, index) => {
      const options = { history: run.history, url: front.url, patience: PATIENCE };
      return new NativeSubscriber({ ...options, name: `idle${index}`, channels: ['plain:quiet1'] });
    });
    const clients = run.crew.all.length + IDLE_CLIENTS;
    await eventually(
      () => new Set(run.history.of('connected').map((one) => one.subscriber)).size === clients,
      'all are connected',
    );
    const verdict = await run.play(idle);
    process.stdout.write(describeVerdict('rolling restart, standalone', verdict));
    for (const [index, mark] of run.history.of('fault').entries()) {
      if (mark.phase === 'begin') judgeRate(run, clients, index);
    }
    expect(verdict.findings).toEqual([]);
    expect(errorsOf(verdict)).toEqual(NO_ERRORS);
    // Whoever was on an old edge is on a new one, and all of them were.
    expect(verdict.reconnects).toBeGreaterThanOrEqual(clients * 0.9);
  },
  DEADLINE_MS,
);

/** Of one restart: those on the edge move once, spread over most of its window. */
function judgeRate(run: Run, clients: number, mark: number): void {
  const marks = run.history.of('fault');
  const [begin, end] = [marks[mark], marks[mark + 1]];
  const untilMs = marks[mark + 2]?.at ?? Number.POSITIVE_INFINITY;
  const connects = run.history
    .of('connected')
    .filter(({ at }) => at >= (begin?.at ?? 0) && at < untilMs);
  const { perSecond, perClient } = peaksOf(connects);
  const spreadSeconds = SPREAD * (DRAIN_SECONDS - GRACE_MS / 1_000);
  const even = Math.ceil(connects.length / spreadSeconds);
  process.stdout.write(
    `  ${begin?.name}: ${connects.length} of ${clients} moved in ${Math.round((end?.at ?? 0) - (begin?.at ?? 0))} ms, ` +
      `at most ${perSecond} in a second (even: ${even}), ${perClient} of one client\n`,
  );
  // Twice an even spread, and less than all at once; a machine that stalls bunches what it had to do.
  expect(2 * even).toBeLessThan(connects.length);
  expect(perSecond).toBeLessThanOrEqual(2 * even);
  expect(perClient).toBeLessThanOrEqual(2);
}

test('an edge whose clients do not go is gone at its deadline', async () => {
  const { world } = bench;
  const edge = await world.fleet.addEdge();
  const way = await Front.open(() => [edge]);
  try {
    const stubborn = await Promise.all([1, 2, 3].map(() => connect(edge.wsUrl)));
    const halfOpen = await connect(way.url.replace('http', 'ws') + new URL(edge.wsUrl).pathname);
    way.deafen(1, new Random(1));
    const startMs = performance.now();
    const { code } = await edge.terminate(DRAIN_SECONDS * 5_000);
    const tookMs = Math.round(performance.now() - startMs);
    process.stdout.write(`stop with clients that stay: ${tookMs} ms of ${DRAIN_SECONDS} s\n`);
    expect(code).toBe(0);
    for (const client of stubborn) {
      expect(client.of('goodbye')).toHaveLength(1);
      expect((await client.closed).code).toBe(4201);
    }
    await halfOpen.cut();
  } finally {
    await way.stop();
  }
});
