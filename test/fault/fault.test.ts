/** Faults one after another, and numbered messages all the time: nothing is lost, and nobody is lied to. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { numberFrom, seedFrom } from '../kit/random.js';
import { fleetFaults, running } from './faults/fleet.js';
import { Front } from './front.js';
import { errorsOf, NO_ERRORS } from './judge.js';
import { describeVerdict, Run } from './run.js';
import { scheduleOf } from './schedule.js';
import type { World } from './world.js';
import { startStandalone } from './worlds/standalone.js';

const SEED = seedFrom('FAULT_SEED', 5);
const ROUNDS = numberFrom('FAULT_ROUNDS', 5);
/** Of faults that last; `test/long` takes the stated 20 s. */
const LENGTH_MS = 2_000;
const DEADLINE_MS = 120_000;
const PATIENCE = { welcomeMs: 3_000, pongMs: 2_000, backoffMs: 100, backoffMaxMs: 1_000 };
const ENV = { HALLEY_PING_INTERVAL_MS: '2000', HALLEY_POLL_PRESENCE_MS: '10000' };

let world: World;
let front: Front;

beforeAll(async () => {
  world = await startStandalone({ lengthMs: LENGTH_MS, env: ENV });
  front = await Front.open(() => running(world.fleet.edges).map(({ port }) => port));
});

afterAll(async () => {
  await front?.stop();
  await world?.stop();
});

test(
  'nothing is lost, doubled, out of order or falsely recovered',
  async () => {
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
