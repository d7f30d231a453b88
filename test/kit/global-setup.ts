/** Runs once before all tests: most of them import or run what `npm run build` makes. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROJECTS = ['libs/shared', 'apps/edge', 'apps/api', 'apps/cli'];

export default function setup(): void {
  const unbuilt = PROJECTS.filter((project) => !existsSync(`${ROOT}${project}/dist`));
  if (unbuilt.length > 0) throw new Error(`not built: ${unbuilt.join(', ')}. Run: npm run build`);
}
