import { Presence } from '@halley/edge/dist/core/presence.js';
import { type CommandClient, Scripts } from '@halley/shared/redis';
import { Random } from '../kit/random.js';
import type { Faults, FaultyStore } from './faulty-store.js';
import { type MakePresence, PresenceCase, type PresenceRules } from './presence-case.js';

/** Cases that run at the same time, so that their calls share the way to Redis. */
const PARALLEL_CASES = 50;
const OFFLINE_GRACE_MS = 5_000;

/** Each with the faults of its calls, and whether edges are killed and swept. */
export const PRESENCE_SCHEDULES: readonly {
  readonly name: string;
  readonly faults: Faults;
  readonly hasDeaths: boolean;
}[] = [
  {
    name: 'calls that wait',
    faults: { delayed: 0.3, callLost: 0, replyLost: 0 },
    hasDeaths: false,
  },
  {
    name: 'calls that wait and get lost, edges that die',
    faults: { delayed: 0.3, callLost: 0.05, replyLost: 0.1 },
    hasDeaths: true,
  },
];

export interface PresenceTally {
  cases: number;
  absent: number;
  stale: number;
  connected: number;
  /** Seed and number of the first case that went wrong. */
  firstFailure: string | null;
}

export interface PresenceRun {
  readonly redis: CommandClient;
  readonly name: string;
  readonly seed: number;
  readonly makePresence: MakePresence;
  readonly faults: Faults;
  readonly hasDeaths: boolean;
  readonly cases: number;
}

export async function playPresence(run: PresenceRun): Promise<PresenceTally> {
  const { redis, name, seed, makePresence, faults, hasDeaths, cases } = run;
  const world = { redis, scripts: new Scripts(redis), makePresence, faults, hasDeaths };
  const tally: PresenceTally = { cases: 0, absent: 0, stale: 0, connected: 0, firstFailure: null };
  await redis.flushall();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < cases) {
      const index = next;
      next += 1;
      const random = Random.ofCase(seed, index);
      const outcome = await new PresenceCase(world, random, `case-${index}`).run();
      tally.cases += 1;
      tally.absent += outcome.absent;
      tally.stale += outcome.stale;
      tally.connected += outcome.connected;
      if (outcome.absent + outcome.stale > 0) tally.firstFailure ??= `seed ${seed}, case ${index}`;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_CASES }, worker));
  process.stdout.write(`presence model, ${name}: ${JSON.stringify(tally)}\n`);
  return tally;
}

export const rightPresence: MakePresence = (store, clock) =>
  new Presence(store, clock, OFFLINE_GRACE_MS);

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

export const countingPresence: MakePresence = (store) => new CountingPresence(store);
