/** The storm of test/fault for a minute. */

import { expect, test } from 'vitest';
import { runStorm, summaryOf } from '../fault/storm-run.js';

test('a minute of a retry storm leaves memory flat', async () => {
  const result = await runStorm(60_000, 200);
  process.stdout.write(summaryOf(result));
  expect(result.received.toSorted()).toEqual(result.accepted.toSorted());
  expect(result.stored).toBe(result.accepted.length);
  expect(Math.max(...result.apiMb) - (result.apiMb[0] ?? 0)).toBeLessThan(300);
});
