/** The examples of docs/publish.md as programs: each block is run as it is printed. */

import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, cleanEnv, describe } from './child.js';
import { within } from './wait.js';

const ROOT = new URL('../../', import.meta.url);
const RUN_DEADLINE_MS = 20_000;
/** Of Go's standard library, when nothing of it was compiled on this machine before. */
export const BUILD_DEADLINE_MS = 240_000;

/** A block of code between fences. */
export interface Block {
  /** The heading that it stands under. */
  readonly heading: string;
  readonly language: string;
  readonly code: string;
}

export interface Run {
  readonly code: number | null;
  /** stdout and stderr. */
  readonly output: string;
  readonly tookMs: number;
}

interface Language {
  /** Found in the path. */
  readonly program: string;
  readonly file: string;
  /** Compiles `file` to what `args` runs. */
  readonly build?: readonly string[];
  readonly command: readonly [program: string, ...args: string[]];
}

const LANGUAGES: Readonly<Record<string, Language>> = {
  sh: { program: 'curl', file: 'guide.sh', command: ['bash', '-eu', 'guide.sh'] },
  php: { program: 'php', file: 'guide.php', command: ['php', 'guide.php'] },
  python: { program: 'python3', file: 'guide.py', command: ['python3', 'guide.py'] },
  go: {
    program: 'go',
    file: 'guide.go',
    build: ['go', 'build', '-o', 'guide', 'guide.go'],
    command: ['./guide'],
  },
  js: { program: 'node', file: 'guide.mjs', command: [process.execPath, 'guide.mjs'] },
};

export function blocksOf(page: string): Block[] {
  const text = readFileSync(new URL(page, ROOT), 'utf8');
  const blocks: Block[] = [];
  let heading = '';
  for (const part of text.matchAll(/^#+ (.+)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    const [, title, language, code] = part;
    if (title !== undefined) heading = title;
    if (language !== undefined && code !== undefined) blocks.push({ heading, language, code });
  }
  return blocks;
}

export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A block as a program in a folder of its own. */
export class Guide {
  readonly #language: Language;
  readonly #dir: string;

  private constructor(language: Language, dir: string) {
    this.#language = language;
    this.#dir = dir;
  }

  /** Writes it down and, where the language asks for that, compiles it. */
  static async of({ language: name, code }: Block): Promise<Guide> {
    const language = LANGUAGES[name];
    if (language === undefined) throw new Error(`nothing runs ${name}`);
    const dir = await mkdtemp(join(tmpdir(), 'halley-guide-'));
    const guide = new Guide(language, dir);
    await writeFile(join(dir, language.file), code);
    await mkdir(join(dir, 'node_modules/@halley'), { recursive: true });
    const library = fileURLToPath(new URL('libs/server', ROOT));
    await symlink(library, join(dir, 'node_modules/@halley/server'));
    const [program, ...args] = language.build ?? [];
    if (program !== undefined) await guide.#build(program, args);
    return guide;
  }

  async run(env: Readonly<Record<string, string>>): Promise<Run> {
    const [program, ...args] = this.#language.command;
    return this.#run(program, args, env, RUN_DEADLINE_MS);
  }

  async remove(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #build(program: string, args: readonly string[]): Promise<void> {
    // It takes what is on this machine and downloads nothing.
    const env = { GOPROXY: 'off', GOTOOLCHAIN: 'local', GO111MODULE: 'off', GOFLAGS: '' };
    const { code, output } = await this.#run(program, args, env, BUILD_DEADLINE_MS);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}:\n${output}`);
  }

  async #run(
    program: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    deadlineMs: number,
  ): Promise<Run> {
    const start = performance.now();
    const child = new Child(
      program,
      spawn(program, args, {
        cwd: this.#dir,
        env: cleanEnv(env),
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    try {
      const exit = await within(
        child.exited,
        () => `${program} ends:\n${child.output}`,
        deadlineMs,
      );
      const tookMs = performance.now() - start;
      if (exit.signal !== null) throw new Error(`${program}: ${describe(exit)}\n${child.output}`);
      return { code: exit.code, output: child.output, tookMs };
    } finally {
      if (child.isRunning) await child.kill();
    }
  }
}
