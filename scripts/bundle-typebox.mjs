/** Puts TypeBox into the compiled module of the api that names what it uses of it. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './lib/run.mjs';

const MODULE = join(ROOT, 'apps/api/dist/http/typebox.js');
/** A compiled module of nothing but exports is smaller, the bundle far larger. */
const BUNDLED_MIN_BYTES = 10_000;

if (statSync(MODULE).size < BUNDLED_MIN_BYTES) {
  await build({
    entryPoints: [MODULE],
    outfile: MODULE,
    allowOverwrite: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    legalComments: 'inline',
    logLevel: 'warning',
  });
}
