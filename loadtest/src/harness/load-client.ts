/** Which load client runs: the one in C, compiled when it is first needed, or the one in Node. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NATIVE = fileURLToPath(new URL('../../native/', import.meta.url));
const BUILT_FOLDER = fileURLToPath(new URL('../native/', import.meta.url));
const BUILT = `${BUILT_FOLDER}load-client`;
const NODE_CLIENT = fileURLToPath(new URL('../client/main.js', import.meta.url));
const FLAGS = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-D_GNU_SOURCE'];

let command: readonly [string, ...string[]] | undefined;

/** `BENCH_LOAD_CLIENT=node` takes the one in Node, which is the bottleneck itself above 100,000/s. */
export async function loadClientCommand(): Promise<readonly [string, ...string[]]> {
  command ??= isNativeWanted() && buildNative() ? [BUILT] : [process.execPath, NODE_CLIENT];
  return command;
}

export async function loadClientName(): Promise<'native' | 'node'> {
  const [program] = await loadClientCommand();
  return program === BUILT ? 'native' : 'node';
}

function isNativeWanted(): boolean {
  const wanted = process.env['BENCH_LOAD_CLIENT'] ?? '';
  if (['', 'native', 'node'].includes(wanted)) return wanted !== 'node';
  throw new Error('BENCH_LOAD_CLIENT must be native or node');
}

/** False where there is no compiler. @throws Error with the compiler's words if it refuses the source */
function buildNative(): boolean {
  const sources = readdirSync(NATIVE).map((name) => NATIVE + name);
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  const built = statSync(BUILT, { throwIfNoEntry: false });
  if (built !== undefined && built.mtimeMs > newest) return true;
  mkdirSync(BUILT_FOLDER, { recursive: true });
  const units = sources.filter((path) => path.endsWith('.c'));
  const result = spawnSync('cc', [...FLAGS, '-o', BUILT, ...units], { encoding: 'utf8' });
  if (result.error !== undefined) return false;
  if (result.status !== 0) throw new Error(`the load client does not compile:\n${result.stderr}`);
  return true;
}
