#!/usr/bin/env node
/**
 * `npm start`: from a fresh clone to a running Halley. Plain Node, since nothing is installed yet.
 * Arguments go to `halley start`.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { ensurePackages, ensureRedisServer } from './lib/install.mjs';
import { checkPlatform, checkUwsBinary } from './lib/platform.mjs';
import { ROOT } from './lib/run.mjs';
import { main } from './lib/say.mjs';

await main(async () => {
  checkPlatform();
  const envFile = join(ROOT, '.env');
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  ensurePackages();
  if (!process.env.REDIS_URL) ensureRedisServer();
  build('apps/cli');
  checkUwsBinary();
  // In this very process: one program less between Ctrl-C and the fleet.
  const command = join(ROOT, 'apps/cli/dist/main.js');
  process.argv = [process.execPath, command, 'start', ...process.argv.slice(2)];
  await import(command);
});
