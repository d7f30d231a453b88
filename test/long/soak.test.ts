/** Clients that come and go for 20 minutes: nothing is lost, and memory is measured. */

import { expect, test } from 'vitest';
import { useWorld } from '../fault/bench.js';
import { churn } from '../fault/churn.js';
import type { History } from '../fault/history.js';
import { errorsOf, NO_ERRORS } from '../fault/judge.js';
import { MemoryLog } from '../fault/memory.js';
import { describeVerdict, Run } from '../fault/run.js';
import { startStandalone } from '../fault/worlds/standalone.js';
import { numberFrom, seedFrom } from '../kit/random.js';

const MINUTES = numberFrom('SOAK_MINUTES', 20);
const SEED = seedFrom('FAULT_SEED', 1);
const WIDTH = numberFrom('SOAK_CLIENTS', 20);
const WARM_UP = 0.25;
const MS_PER_MINUTE = 60_000;
const PATIENCE = { welcomeMs: 10_000, pongMs: 10_000, backoffMs: 200, backoffMaxMs: 5_000 };

const bench = useWorld(() => startStandalone({ lengthMs: 0 }));

test(
  'a soak with churn',
  async () => {
    const { world, front } = bench;
    const memory = new MemoryLog();
    const lengthMs = MINUTES * MS_PER_MINUTE;
    const history = (): History => run.history;
    const common = { front, patience: PATIENCE };
    const faults = [churn({ ...common, history, memory, lengthMs, width: WIDTH })];
    const run: Run = new Run({ ...common, world, faults, seed: SEED, intervalMs: 200 });
    const verdict = await run.play();
    const visitors = run.history.of('left').length;
    const title = `soak, ${MINUTES} min, ${visitors} visitors, seed ${SEED}`;
    process.stdout.write(describeVerdict(title, verdict));
    for (const { process: name, firstKib, lastKib, slopeKibPerMinute } of memory.growth(WARM_UP)) {
      const kib = `${firstKib} KiB to ${lastKib} KiB, ${slopeKibPerMinute} KiB/min`;
      process.stdout.write(`soak ${name}: ${kib}\n`);
    }
    expect(verdict.findings).toEqual([]);
    expect(errorsOf(verdict)).toEqual(NO_ERRORS);
  },
  (MINUTES + 5) * MS_PER_MINUTE,
);
