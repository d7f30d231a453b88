/** The published packages as a user gets them: packed, and installed into an empty project. */

import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Child, cleanEnv, describe } from './child.js';
import { within } from './wait.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** npm alone needs seconds on a loaded machine. */
const NPM_DEADLINE_MS = 60_000;
const PROGRAM_DEADLINE_MS = 20_000;

const run = promisify(execFile);

export interface PackedFile {
  readonly path: string;
  readonly size: number;
}

/** An empty project with packages of this repository in it. */
export class UserProject {
  readonly folder: string;
  /** Files of each tarball, by the folder of its package. */
  readonly packed: ReadonlyMap<string, readonly PackedFile[]>;

  private constructor(folder: string, packed: ReadonlyMap<string, readonly PackedFile[]>) {
    this.folder = folder;
    this.packed = packed;
  }

  /** @param packages folders, such as `libs/sdk` */
  static async create(packages: readonly string[]): Promise<UserProject> {
    const folder = await mkdtemp(join(tmpdir(), 'halley-project-'));
    try {
      const packed = new Map<string, readonly PackedFile[]>();
      const tarballs: string[] = [];
      for (const name of packages) {
        const text = await npm(join(ROOT, name), ['pack', '--json', '--pack-destination', folder]);
        const [{ filename, files }] = JSON.parse(text);
        packed.set(name, files);
        tarballs.push(`./${filename}`);
      }
      await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
      // A cache without anything: what is not in the tarballs is not there.
      const cache = join(folder, 'cache');
      await npm(folder, [
        'install',
        '--offline',
        '--cache',
        cache,
        '--ignore-scripts',
        ...tarballs,
      ]);
      return new UserProject(folder, packed);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Files of a package as they were installed. @param path in node_modules */
  installed(path: string): string {
    return join(this.folder, 'node_modules', path);
  }

  async write(path: string, text: string): Promise<string> {
    const file = join(this.folder, path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
    return file;
  }

  /** Runs a program in the project until it ends by itself. @returns what it wrote */
  async run(program: string, args: readonly string[]): Promise<string> {
    const { folder: cwd } = this;
    // What a runtime keeps for itself goes with the project.
    const env = cleanEnv({ HOME: cwd, DENO_DIR: join(cwd, 'deno'), DENO_NO_UPDATE_CHECK: '1' });
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = new Child(program, spawn(program, args, { cwd, env, stdio: [...stdio] }));
    try {
      const what = () => `${program} ${args.join(' ')} ends; it printed:\n${child.output}`;
      const exit = await within(child.exited, what, PROGRAM_DEADLINE_MS);
      if (exit.code !== 0) throw new Error(`${program}: ${describe(exit)}\n${child.output}`);
      return child.output;
    } finally {
      if (child.isRunning) await child.kill();
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** @returns what npm wrote to stdout */
async function npm(cwd: string, args: readonly string[]): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const options = { cwd, env: cleanEnv(), timeout: NPM_DEADLINE_MS };
  return (await run('npm', [...args, ...quiet], options)).stdout;
}
