#!/usr/bin/env node
/** `npm start [-- publish|subscribe|chat ...] [options of artillery run]`: all three without a name. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DEFAULTS, setting } from './settings.mjs';

const SCRIPTS = ['publish', 'subscribe', 'chat'];
const ARTILLERY = fileURLToPath(new URL('node_modules/artillery/bin/run', import.meta.url));

const args = process.argv.slice(2);
const firstOption = args.findIndex((arg) => !SCRIPTS.includes(arg));
const names = firstOption === -1 ? args : args.slice(0, firstOption);
const options = firstOption === -1 ? [] : args.slice(firstOption);

const settings = Object.keys(DEFAULTS).map((name) => [name, setting(name)]);
const env = {
  ...process.env,
  ...Object.fromEntries(settings),
  ARTILLERY_DISABLE_TELEMETRY: 'true',
};

for (const name of names.length === 0 ? SCRIPTS : names) {
  const script = fileURLToPath(new URL(`${name}.yml`, import.meta.url));
  const run = spawnSync(process.execPath, [ARTILLERY, 'run', script, ...options], {
    env,
    stdio: 'inherit',
  });
  // A threshold that is missed fails the run; the other scripts run all the same.
  if (run.status !== 0) process.exitCode = 1;
}
