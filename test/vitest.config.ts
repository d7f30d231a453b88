import { defineConfig } from 'vitest/config';

/** A stated time may stretch to five times its length on a loaded machine; a hang must still end. */
const TEST_DEADLINE_MS = 30_000;

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    exclude: ['long/**', '**/node_modules/**'],
    globalSetup: ['./kit/global-setup.ts'],
    testTimeout: TEST_DEADLINE_MS,
    hookTimeout: TEST_DEADLINE_MS,
    teardownTimeout: TEST_DEADLINE_MS,
    // Each file brings a Redis, edges and apis of its own: more at once than two cores bear, and
    // deadlines measure the machine instead of Halley.
    maxWorkers: 2,
    // A test that passes at the second try hides a race in the product.
    retry: 0,
    passWithNoTests: false,
    allowOnly: false,
  },
});
