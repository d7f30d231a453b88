/** Programs in C, compiled when they are first needed. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../../native/', import.meta.url));
const BUILT_FOLDER = fileURLToPath(new URL('../native/', import.meta.url));
const FLAGS = ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-D_GNU_SOURCE'];
const NO_COMPILER =
  'the load client is written in C and there is no compiler: apt-get install gcc libc6-dev';

/** Each has a `main` of its own; the other files are shared. */
const MAINS = { 'load-client': 'main.c', crowd: 'crowd.c' } as const;

export type NativeProgram = keyof typeof MAINS;

const built = new Map<NativeProgram, string>();

/** @returns its path @throws Error that names what to install, or the compiler's words */
export function nativeProgram(name: NativeProgram): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const path = BUILT_FOLDER + name;
  if (isStale(path)) compile(name, path);
  built.set(name, path);
  return path;
}

function isStale(path: string): boolean {
  const newest = Math.max(...readdirSync(SOURCES).map((file) => statSync(SOURCES + file).mtimeMs));
  const program = statSync(path, { throwIfNoEntry: false });
  return program === undefined || program.mtimeMs <= newest;
}

function compile(name: NativeProgram, path: string): void {
  mkdirSync(BUILT_FOLDER, { recursive: true });
  const others = new Set<string>(Object.values(MAINS).filter((main) => main !== MAINS[name]));
  const units = readdirSync(SOURCES).filter((file) => file.endsWith('.c') && !others.has(file));
  const args = [...FLAGS, '-o', path, ...units.map((file) => SOURCES + file)];
  const result = spawnSync('cc', args, { encoding: 'utf8' });
  if (result.error !== undefined) throw new Error(NO_COMPILER);
  if (result.status !== 0) throw new Error(`${name} does not compile:\n${result.stderr}`);
}
