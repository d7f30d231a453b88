/** Far more is published than a slow Redis takes, and whoever is refused comes back. */

import { expect, test } from 'vitest';
import { runStorm, summaryOf } from './storm-run.js';

const STORM_MS = 2_000;
const PUBLISHERS = 120;
/** Far above what garbage collection makes of it; what runs away is at gigabytes. */
const GROWTH_MAX_MB = 300;

test('a retry storm settles: what is accepted arrives once, and the rate comes back', async () => {
  const result = await runStorm(STORM_MS, PUBLISHERS);
  process.stdout.write(summaryOf(result));
  expect(result.refused).toBeGreaterThan(0);
  expect(result.hopeless).toBe(0);
  expect(new Set(result.accepted).size).toBe(result.accepted.length);
  expect(result.received.toSorted()).toEqual(result.accepted.toSorted());
  expect(result.stored).toBe(result.accepted.length);
  for (const mb of [result.apiMb, result.edgeMb]) {
    expect(Math.max(...mb) - (mb[0] ?? 0)).toBeLessThan(GROWTH_MAX_MB);
  }
}, 60_000);
