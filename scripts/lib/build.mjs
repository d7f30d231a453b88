import { node } from './run.mjs';
import { Stop } from './say.mjs';

/** Compiles a project, all of them by default, and what it refers to: what changed, `tsc -b` knows. */
export function build(project = '.') {
  if (!node('typescript/bin/tsc', ['-b', project])) throw new Stop('the build failed; see above.');
}
