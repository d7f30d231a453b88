/** Programs that the commands run, and where they are. */

import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a program in the repository and shows what it prints; true where it succeeded. */
export function run(program, args, env = {}) {
  // A program's own output goes to stderr like ours: stdout is for results.
  const options = { cwd: ROOT, stdio: ['inherit', 2, 2], env: { ...process.env, ...env } };
  return spawnSync(program, args, options).status === 0;
}

/** The npm that runs this command, else the one in the path. */
export function npm(args) {
  const cli = process.env.npm_execpath;
  return cli ? run(process.execPath, [cli, ...args]) : run('npm', args);
}

/** Runs the program of an installed package by its file, so that no shell or shim is between. */
export function node(file, args) {
  return run(process.execPath, [join(ROOT, 'node_modules', file), ...args]);
}

/**
 * The same without blocking: a run that is interrupted ends its program and goes on here, to clear up.
 * Ctrl-C reaches the program by itself.
 */
export function nodeToItsEnd(file, args, env = {}) {
  const child = spawn(process.execPath, [join(ROOT, 'node_modules', file), ...args], {
    cwd: ROOT,
    stdio: ['inherit', 2, 2],
    env: { ...process.env, ...env },
  });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

export function isInPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
