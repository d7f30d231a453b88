#!/usr/bin/env node
/** `npm run bench [-- scenario...]`: builds what is stale and runs loadtest/. See loadtest/README.md. */

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
  await import('../loadtest/dist/main.js');
});
