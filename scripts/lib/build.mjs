import { join } from 'node:path';
import { node, ROOT, run } from './run.mjs';
import { Stop } from './say.mjs';

/** Compiles a project, all of them by default, and what it refers to: what changed, `tsc -b` knows. */
export function build(project = '.') {
  if (!node('typescript/bin/tsc', ['-b', project])) throw new Stop('the build failed; see above.');
  // What the edges serve to pages.
  const bundle = join(ROOT, 'scripts/bundle-sdk.mjs');
  if (!run(process.execPath, [bundle])) throw new Stop('the SDK could not be bundled; see above.');
}
