/** Runs of `loadtest/src/million`, with a folder for their reports. */

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, cleanEnv } from './child.js';
import { within } from './wait.js';

const MAIN = fileURLToPath(new URL('../../loadtest/dist/million/main.js', import.meta.url));
/** Five times what a small run takes alone. */
export const MILLION_DEADLINE_MS = 100_000;

export interface MillionRun {
  readonly code: number | null;
  readonly output: string;
  /** Its reports. */
  readonly files: readonly string[];
  /** Removes them. */
  stop(): Promise<void>;
}

export interface ReportOfMillion {
  readonly reached: number;
  readonly faults: readonly string[];
  readonly phases: readonly { readonly name: string; readonly detail: unknown }[];
}

/** @throws Error if it does not end in time */
export async function runMillion(
  env: Readonly<Record<string, string>>,
  deadlineMs = MILLION_DEADLINE_MS,
): Promise<MillionRun> {
  const folder = await mkdtemp(join(tmpdir(), 'halley-million-results-'));
  const spawned = spawn(process.execPath, [MAIN], {
    env: cleanEnv({ ...env, MILLION_RESULTS: folder }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const child = new Child('million', spawned);
  try {
    const { code } = await within(child.exited, () => child.output, deadlineMs);
    const files = (await readdir(folder)).map((name) => join(folder, name));
    const stop = () => rm(folder, { recursive: true, force: true });
    return { code, output: child.output, files, stop };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    if (child.isRunning) await child.kill();
  }
}

export async function millionReport(files: readonly string[]): Promise<ReportOfMillion> {
  const file = files.find((name) => name.endsWith('.json')) ?? '';
  return JSON.parse(await readFile(file, 'utf8')) as ReportOfMillion;
}
