#!/usr/bin/env node
/** `npm run million`: builds what is stale and runs loadtest/src/million. See docs/million.md. */

import { build } from './lib/build.mjs';
import { ensureCompiler, ensurePackages, ensureRedisServer } from './lib/install.mjs';
import { checkPlatform } from './lib/platform.mjs';
import { main } from './lib/say.mjs';

await main(async () => {
  checkPlatform();
  ensurePackages();
  ensureRedisServer();
  ensureCompiler();
  build();
  await import('../loadtest/dist/million/main.js');
});
