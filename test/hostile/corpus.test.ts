/**
 * Bad input on every port: the process lives, its log knows no defect, its memory is flat, and a good
 * client is served after each batch. HOSTILE_SEED replays, HOSTILE_CASES widens.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { residentBytes } from '../kit/memory.js';
import { numberFrom, seedFrom } from '../kit/random.js';
import { eventually } from '../kit/wait.js';
import { type AttackedPort, attack, CorpusFailure } from './corpus.js';
import { startTarget, type Target } from './ports.js';

const SEED = seedFrom('HOSTILE_SEED', 20_121_123);
const CASES_PER_PORT = numberFrom('HOSTILE_CASES', 280);
/** Until now tables are filled and code is compiled: what comes later is what cases leave behind. */
const WARM_CASES = 40;
const GROWTH_MAX_BYTES = 64 * 1_048_576;

let target: Target;
beforeAll(async () => {
  target = await startTarget();
  for (const port of target.ports) await attack(port, SEED + 1, WARM_CASES);
});
afterAll(() => target?.stop());

test('each port stands the corpus, and memory is flat', async () => {
  const processes = [target.edge, target.api];
  const before = processes.map(residentBytes);
  let sent = 0;
  for (const port of target.ports) {
    const cases = await attack(port, SEED, CASES_PER_PORT);
    process.stdout.write(`hostile, seed ${SEED}: ${port.name}: ${cases} cases\n`);
    sent += cases;
  }
  expect(sent).toBeGreaterThanOrEqual(2_000);
  for (const [index, one] of processes.entries()) {
    const growth = () => residentBytes(one) - Number(before[index]);
    await eventually(() => growth() < GROWTH_MAX_BYTES, `${one.name} gives its memory back`);
    process.stdout.write(`hostile: ${one.name}: ${(growth() / 1_048_576).toFixed(1)} MiB more\n`);
  }
}, 120_000);

test('a process that answers 500, or dies, is found', async () => {
  const port = target.ports[0] as AttackedPort;
  const deaf: AttackedPort = { ...port, isGood: () => Promise.reject(new Error('nothing')) };
  await expect(attack(deaf, SEED, 1)).rejects.toThrow(CorpusFailure);
});
