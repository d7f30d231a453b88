#!/usr/bin/env node
/** `npm run build`: the packages of package-lock.json and the compiled programs. */

import { build } from './lib/build.mjs';
import { ensurePackages } from './lib/install.mjs';
import { checkPlatform } from './lib/platform.mjs';
import { main } from './lib/say.mjs';

await main(() => {
  checkPlatform();
  ensurePackages();
  build();
});
