import { join } from 'node:path';
import { node, ROOT, run } from './run.mjs';
import { Stop } from './say.mjs';

/** Compiles a project, all of them by default, and what it refers to: what changed, `tsc -b` knows. */
export function build(project = '.') {
  if (!node('typescript/bin/tsc', ['-b', project])) throw new Stop('the build failed; see above.');
  // What the edges serve to pages, and what the api loads.
  for (const name of ['bundle-sdk.mjs', 'bundle-typebox.mjs']) {
    if (run(process.execPath, [join(ROOT, 'scripts', name)])) continue;
    throw new Stop(`${name} failed; see above.`);
  }
}
