/** A Redis Cluster and a Sentinel group: every fault of theirs, in an order of the seed's, and the judge. */

import { describe, expect, test } from 'vitest';
import { useWorld } from '../fault/bench.js';
import { errorsOf, NO_ERRORS } from '../fault/judge.js';
import { describeVerdict, Run } from '../fault/run.js';
import { scheduleOf } from '../fault/schedule.js';
import { startClusterWorld } from '../fault/worlds/cluster.js';
import { startSentinelWorld } from '../fault/worlds/sentinel.js';
import { numberFrom, seedFrom } from '../kit/random.js';

/** Another one each day, unless it is named: printed with every result. */
const SEED = seedFrom('FAULT_SEED', Math.floor(Date.now() / 86_400_000));
/** Times that each fault comes. */
const TURNS = numberFrom('FAULT_TURNS', 2);
const LENGTH_MS = numberFrom('FAULT_LENGTH_MS', 5_000);
const PATIENCE = { welcomeMs: 5_000, pongMs: 5_000, backoffMs: 200, backoffMaxMs: 5_000 };
const ENV = { HALLEY_PING_INTERVAL_MS: '5000', HALLEY_DRAIN_SECONDS: '5' };

const WORLDS = { cluster: startClusterWorld, sentinel: startSentinelWorld };

describe.each(Object.entries(WORLDS))('%s', (_name, start) => {
  const bench = useWorld(() => start({ lengthMs: LENGTH_MS, env: ENV }));

  test('nothing is lost, doubled, out of order or falsely recovered', async () => {
    const { world, front } = bench;
    const names = process.env['FAULT_NAMES']?.split(',');
    const all = world.faults.filter(({ name }) => names?.includes(name) !== false);
    const rounds = numberFrom('FAULT_ROUNDS', TURNS * all.length);
    const faults = scheduleOf(all, SEED, rounds);
    const run = new Run({ world, front, faults, seed: SEED, patience: PATIENCE, intervalMs: 50 });
    const verdict = await run.play();
    process.stdout.write(describeVerdict(`fault run, ${world.name}, seed ${SEED}`, verdict));
    expect(verdict.findings).toEqual([]);
    expect(errorsOf(verdict)).toEqual(NO_ERRORS);
  });
});
