#!/usr/bin/env node
/** `npm run artillery [-- script...] [options]`: loadtest/artillery, installed there when it is absent. */

import { ensureArtillery } from './lib/install.mjs';
import { checkPlatform } from './lib/platform.mjs';
import { main } from './lib/say.mjs';

await main(async () => {
  checkPlatform();
  ensureArtillery();
  await import('../loadtest/artillery/run.mjs');
});
