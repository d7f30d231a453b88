import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** A stated time may stretch to five times its length on a loaded machine; a hang must still end. */
const TEST_DEADLINE_MS = 30_000;

/** Files with browsers take longest, most of it waiting: last, one of them would run alone for minutes. */
class BrowsersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      moduleId.includes('sdk-sleep') ? 0 : moduleId.includes('/browser/') ? 1 : 2;
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    exclude: ['long/**', '**/node_modules/**'],
    globalSetup: ['./kit/global-setup.ts'],
    testTimeout: TEST_DEADLINE_MS,
    hookTimeout: TEST_DEADLINE_MS,
    teardownTimeout: TEST_DEADLINE_MS,
    // Each file brings a Redis, edges and apis of its own, and waits for most of its time: three at once
    // keep two cores busy, with more deadlines would measure the machine instead of Halley.
    maxWorkers: 3,
    sequence: { sequencer: BrowsersFirst },
    // A test that passes at the second try hides a race in the product.
    retry: 0,
    passWithNoTests: false,
    allowOnly: false,
  },
});
