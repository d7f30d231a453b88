import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

const LONG_TEST_DEADLINE_MS = 30 * 60_000;

/** `npm run test:long`: what takes minutes, one file at a time, so that figures are comparable. */
const long = mergeConfig(
  base,
  defineConfig({ test: { testTimeout: LONG_TEST_DEADLINE_MS, maxWorkers: 1 } }),
);

// Merging would join the lists: here they are replaced.
export default {
  ...long,
  test: { ...long.test, include: ['long/**/*.test.ts'], exclude: ['**/node_modules/**'] },
};
