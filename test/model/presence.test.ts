import { Presence } from '@halley/edge/dist/core/presence.js';
import {
  type CommandClient,
  createCommandClient,
  parseRedisUrl,
  Scripts,
} from '@halley/shared/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberFrom, Random, seedFrom } from '../kit/random.js';
import { type PrivateRedis, startPrivateRedis } from '../kit/redis.js';
import { eventually } from '../kit/wait.js';
import type { Faults, FaultyStore } from './faulty-store.js';
import { type MakePresence, PresenceCase, type PresenceRules } from './presence-case.js';

const SEED = seedFrom('MODEL_SEED', 20_261_121);
const CASES = numberFrom('MODEL_CASES', 3_000);
const PLANTED_CASES = 300;
/** Cases that run at the same time, so that their calls share the way to Redis. */
const PARALLEL_CASES = 50;
const DEADLINE_MS = 120_000;
const OFFLINE_GRACE_MS = 5_000;

const NO_FAULTS: Faults = { delayed: 0.3, callLost: 0, replyLost: 0 };
const ALL_FAULTS: Faults = { delayed: 0.3, callLost: 0.05, replyLost: 0.1 };

let server: PrivateRedis;
let redis: CommandClient;

beforeAll(async () => {
  server = await startPrivateRedis();
  redis = createCommandClient(parseRedisUrl(server.url), 10_000);
  await eventually(() => redis.status === 'ready', 'the model is connected to its Redis');
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

interface Tally {
  cases: number;
  absent: number;
  stale: number;
  connected: number;
  /** Seed and number of the first case that went wrong. */
  firstFailure: string | null;
}

interface Run {
  readonly name: string;
  readonly makePresence: MakePresence;
  readonly faults: Faults;
  readonly hasDeaths: boolean;
  readonly cases: number;
}

async function play({ name, makePresence, faults, hasDeaths, cases }: Run): Promise<Tally> {
  const world = { redis, scripts: new Scripts(redis), makePresence, faults, hasDeaths };
  const tally: Tally = { cases: 0, absent: 0, stale: 0, connected: 0, firstFailure: null };
  await redis.flushall();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < cases) {
      const index = next;
      next += 1;
      const random = Random.ofCase(SEED, index);
      const outcome = await new PresenceCase(world, random, `case-${index}`).run();
      tally.cases += 1;
      tally.absent += outcome.absent;
      tally.stale += outcome.stale;
      tally.connected += outcome.connected;
      if (outcome.absent + outcome.stale > 0) tally.firstFailure ??= `seed ${SEED}, case ${index}`;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_CASES }, worker));
  process.stdout.write(`presence model, ${name}: ${JSON.stringify(tally)}\n`);
  return tally;
}

const presence: MakePresence = (store, clock) => new Presence(store, clock, OFFLINE_GRACE_MS);

/** Counts in memory and calls at 0 -> 1 and 1 -> 0, as the first draft had it. */
class CountingPresence implements PresenceRules {
  readonly #store: FaultyStore;
  readonly #counts = new Map<string, number>();

  constructor(store: FaultyStore) {
    this.#store = store;
  }

  hold(clientId: string): void {
    this.#counts.set(clientId, (this.#counts.get(clientId) ?? 0) + 1);
  }

  release(clientId: string): void {
    const count = (this.#counts.get(clientId) ?? 0) - 1;
    this.#counts.set(clientId, count);
    if (count === 0) this.#store.disconnect(clientId).catch(() => undefined);
  }

  register(clientId: string): ReturnType<Presence['register']> {
    return this.#store.connect(clientId, null);
  }

  disown(clientId: string): void {
    this.#store.disconnect(clientId).catch(() => undefined);
  }
}

describe('presence', () => {
  it.each([
    { name: 'calls that wait', faults: NO_FAULTS, hasDeaths: false },
    { name: 'calls that wait and get lost, edges that die', faults: ALL_FAULTS, hasDeaths: true },
  ])(
    'shows who is connected and nobody else: $name',
    async ({ name, faults, hasDeaths }) => {
      const tally = await play({ name, makePresence: presence, faults, hasDeaths, cases: CASES });
      expect(tally).toMatchObject({ absent: 0, stale: 0, firstFailure: null });
      expect(tally.connected).toBeGreaterThan(CASES / 2);
    },
    DEADLINE_MS,
  );
});

describe('the judge', () => {
  const counting: MakePresence = (store) => new CountingPresence(store);

  it.each([
    { name: 'counting, calls that overtake each other', faults: NO_FAULTS, hasDeaths: false },
    { name: 'counting, all faults', faults: ALL_FAULTS, hasDeaths: true },
  ])(
    'finds out what only counts: $name',
    async ({ name, faults, hasDeaths }) => {
      const run = { name, makePresence: counting, faults, hasDeaths, cases: PLANTED_CASES };
      const tally = await play(run);
      expect(tally.absent).toBeGreaterThan(0);
      expect(tally.stale).toBeGreaterThan(0);
    },
    DEADLINE_MS,
  );
});
