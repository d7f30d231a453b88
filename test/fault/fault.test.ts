/** Faults one after another, and numbered messages all the time: nothing is lost, and nobody is lied to. */

import { expect, test } from 'vitest';
import { numberFrom, Random, seedFrom } from '../kit/random.js';
import { useWorld } from './bench.js';
import { fleetFaults } from './faults/fleet.js';
import { errorsOf, NO_ERRORS } from './judge.js';
import { describeVerdict, Run } from './run.js';
import { scheduleOf } from './schedule.js';
import { startStandalone } from './worlds/standalone.js';

const SEED = seedFrom('FAULT_SEED', 17);
const ROUNDS = numberFrom('FAULT_ROUNDS', 5);
/** Of faults that last; `test/long` takes the stated 20 s. */
const LENGTH_MS = 2_000;
const DEADLINE_MS = 120_000;
const PATIENCE = { welcomeMs: 3_000, pongMs: 2_000, backoffMs: 100, backoffMaxMs: 1_000 };
const ENV = { HALLEY_PING_INTERVAL_MS: '2000', HALLEY_POLL_PRESENCE_MS: '10000' };

const bench = useWorld(() => startStandalone({ lengthMs: LENGTH_MS, env: ENV }));

test(
  'nothing is lost, doubled, out of order or falsely recovered',
  async () => {
    const { world, front } = bench;
    const all = [...world.faults, ...fleetFaults({ front, lengthMs: LENGTH_MS })];
    const names = process.env['FAULT_NAMES']?.split(',');
    const chosen = names === undefined ? all : all.filter(({ name }) => names.includes(name));
    const faults = scheduleOf(chosen, SEED, ROUNDS);
    const run = new Run({ world, front, faults, seed: SEED, patience: PATIENCE, intervalMs: 50 });
    const verdict = await run.play();
    process.stdout.write(describeVerdict(`fault run, ${world.name}, seed ${SEED}`, verdict));
    expect(verdict.findings).toEqual([]);
    expect(errorsOf(verdict)).toEqual(NO_ERRORS);
    expect(verdict.checked).toBeGreaterThan(0);
  },
  DEADLINE_MS * ROUNDS,
);

test(
  'an api whose connection for answers goes deaf finds it, and hears again',
  async () => {
    const { world } = bench;
    const deaf = world.faults.find(({ name }) => name === 'deaf api connections');
    await deaf?.inject(world, new Random(SEED));
    expect(deaf).toBeDefined();
  },
  DEADLINE_MS,
);
