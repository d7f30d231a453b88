/** Every fault at its full length, alone and in twos, with many seeds. */

import { describe, expect, test } from 'vitest';
import { useWorld } from '../fault/bench.js';
import { fleetFaults } from '../fault/faults/fleet.js';
import type { FaultDelays } from '../fault/judge/delays.js';
import { errorsOf, NO_ERRORS } from '../fault/judge.js';
import { describeVerdict, Run } from '../fault/run.js';
import { scheduleOf, together } from '../fault/schedule.js';
import type { Fault } from '../fault/world.js';
import { startStandalone } from '../fault/worlds/standalone.js';
import { numberFrom, Random, seedFrom } from '../kit/random.js';

/** Another one each day, unless it is named: printed with every result. */
const SEED = seedFrom('FAULT_SEED', Math.floor(Date.now() / 86_400_000));
const SEEDS = numberFrom('FAULT_SEEDS', 3);
const LENGTH_MS = numberFrom('FAULT_LENGTH_MS', 20_000);
/** Pairs of a fault of the fleet and one of Redis at the same time. */
const PAIRS = numberFrom('FAULT_PAIRS', 6);
const PATIENCE = { welcomeMs: 5_000, pongMs: 5_000, backoffMs: 200, backoffMaxMs: 5_000 };
const ENV = { HALLEY_PING_INTERVAL_MS: '5000', HALLEY_DRAIN_SECONDS: '5' };
const longest = new Map<string, FaultDelays>();

describe.each(Array.from({ length: SEEDS }, (_, index) => SEED + index))('seed %i', (seed) => {
  const bench = useWorld(() => startStandalone({ lengthMs: LENGTH_MS, env: ENV }));

  test('nothing is lost, doubled, out of order or falsely recovered', async () => {
    const { world, front } = bench;
    const random = new Random(seed);
    const ofFleet = fleetFaults({ front, lengthMs: LENGTH_MS });
    const pairs = Array.from({ length: PAIRS }, () =>
      together(random.pick(ofFleet), random.pick(alone(world.faults))),
    );
    const all = [...world.faults, ...ofFleet, ...pairs];
    const faults = scheduleOf(all, seed, numberFrom('FAULT_ROUNDS', all.length));
    const run = new Run({ world, front, faults, seed, patience: PATIENCE, intervalMs: 50 });
    const verdict = await run.play();
    process.stdout.write(describeVerdict(`fault run, ${world.name}, seed ${seed}`, verdict));
    for (const delays of verdict.delays) keep(delays);
    expect(verdict.findings).toEqual([]);
    expect(errorsOf(verdict)).toEqual(NO_ERRORS);
  });
});

test('the longest of each fault', () => {
  for (const { fault, longestDeliveryMs, longestSilenceMs } of longest.values()) {
    process.stdout.write(
      `fault ${fault}: longest delivery ${longestDeliveryMs} ms, longest silence ${longestSilenceMs} ms\n`,
    );
  }
  expect(longest.size).toBeGreaterThan(0);
});

/** Those that ask an api or an edge of the fleet themselves cannot bear that it goes. */
function alone(faults: readonly Fault[]): Fault[] {
  return faults.filter(({ name }) => !/overrun|deaf api/.test(name));
}

function keep(delays: FaultDelays): void {
  const before = longest.get(delays.fault);
  longest.set(delays.fault, {
    ...delays,
    longestDeliveryMs: Math.max(delays.longestDeliveryMs, before?.longestDeliveryMs ?? 0),
    longestSilenceMs: Math.max(delays.longestSilenceMs, before?.longestSilenceMs ?? 0),
  });
}
