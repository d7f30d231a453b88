#!/usr/bin/env node
/**
 * `npm test [-- filter]`: installs what the tests need, builds, checks and runs them all.
 * `--long` runs test/long instead. The last line is `N passed, N failed`, checks included.
 */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import {
  ensureCompiler,
  ensureFaketime,
  ensurePackages,
  ensureRedisServer,
  ensureTestPrograms,
} from './lib/install.mjs';
import { checkPlatform, checkUwsBinary } from './lib/platform.mjs';
import { provideRedis } from './lib/redis-engine.mjs';
import { nodeToItsEnd, npm, ROOT } from './lib/run.mjs';
import { Stop, say } from './lib/say.mjs';

/** Scripts of package.json, each counted as one test. */
const CHECKS = ['check:style', 'check:arrows', 'check:types'];
const REPORT_FILE = join(ROOT, 'test-results/vitest.json');

const vitestArgs = process.argv.slice(2).filter((arg) => arg !== '--long');
const isLong = process.argv.includes('--long');

const tally = { passed: 0, failed: 0 };

try {
  checkPlatform();
  ensurePackages();
  ensureRedisServer();
  ensureFaketime();
  ensureTestPrograms();
  ensureCompiler();
  build();
  checkUwsBinary();
  for (const check of CHECKS) count(check, npm(['run', '--silent', check]));
  await runTests();
} catch (error) {
  tally.failed += 1;
  say(error instanceof Stop ? error.message : error.stack);
}
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);

function count(name, isPassed) {
  tally[isPassed ? 'passed' : 'failed'] += 1;
  say(`${name}: ${isPassed ? 'passed' : 'FAILED'}`);
}

async function runTests() {
  const redis = await provideRedis();
  process.stdout.write(`${redis.line}\n`);
  try {
    await runVitest(redis.env);
  } finally {
    await redis.stop();
  }
}

async function runVitest(env) {
  rmSync(REPORT_FILE, { force: true });
  const config = `test/${isLong ? 'vitest.long' : 'vitest'}.config.ts`;
  const reports = ['--reporter=default', '--reporter=json', `--outputFile.json=${REPORT_FILE}`];
  const args = ['run', '--config', config, ...reports, ...vitestArgs];
  const isClean = await nodeToItsEnd('vitest/vitest.mjs', args, env);
  const report = readReport();
  tally.passed += report.numPassedTests;
  tally.failed += report.numFailedTests;
  if (report.numPendingTests > 0) say(`${report.numPendingTests} tests were skipped`);
  // A file that cannot be loaded, an error outside of any test, no test at all: vitest says so by
  // its exit code alone.
  if (!isClean && report.numFailedTests === 0) count('the test run', false);
}

function readReport() {
  try {
    return JSON.parse(readFileSync(REPORT_FILE, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  }
}
