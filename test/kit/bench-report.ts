/** Short runs of `npm run bench`, read back from the file of results. */

import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, cleanEnv } from './child.js';
import { within } from './wait.js';

const BENCH = fileURLToPath(new URL('../../loadtest/dist/main.js', import.meta.url));
const SIDES = ['bare', 'ours'] as const;

/** The least that still measures something on a machine with other work. */
const SMALL = {
  BENCH_ROUNDS: '1',
  BENCH_SECONDS: '0.5',
  BENCH_WARM_SECONDS: '0.3',
  BENCH_CURVE_MS: '250',
};

interface Window {
  readonly deliveries: number;
  readonly deliveryBytes: number;
}

/** What the load client saw of one side at a place of a curve. */
export interface CurveWindow {
  readonly x: number;
  readonly window: Window;
}

interface Point {
  readonly x: number;
  readonly samples: Readonly<Record<string, readonly { readonly window: Window }[]>>;
}

interface Sample {
  readonly values: Readonly<Record<string, number>>;
}

interface Report {
  readonly samples: Readonly<Record<string, Readonly<Record<string, readonly Sample[]>>>>;
  readonly figures: Readonly<Record<string, { readonly detail: { readonly points: Point[] } }>>;
}

export class BenchReport {
  readonly #report: Report;

  private constructor(report: Report) {
    this.#report = report;
  }

  /**
   * @param folder for results, new
   * @throws Error with what the bench wrote, if it fails: also where anything was lost
   */
  static async of(
    folder: string,
    names: readonly string[],
    knobs: Readonly<Record<string, string>>,
    deadlineMs: number,
  ): Promise<BenchReport> {
    const spawned = spawn(process.execPath, [BENCH, ...names], {
      env: cleanEnv({ ...SMALL, ...knobs, BENCH_RESULTS: folder }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const child = new Child('bench', spawned);
    try {
      const { code } = await within(child.exited, () => child.output, deadlineMs);
      if (code !== 0) throw new Error(`the bench ended with ${code}:\n${child.output}`);
    } finally {
      if (child.isRunning) await child.kill();
    }
    const [file = ''] = await readdir(folder);
    return new BenchReport(JSON.parse(await readFile(join(folder, file), 'utf8')) as Report);
  }

  /** What was measured of ours, once. */
  valuesOf(scenario: string): Readonly<Record<string, number>> {
    return this.#report.samples[scenario]?.['ours']?.[0]?.values ?? {};
  }

  /** Point by point, bare first. */
  curve(name: string): CurveWindow[] {
    const points = this.#report.figures[`curve-${name}`]?.detail.points ?? [];
    return points.flatMap(({ x, samples }) =>
      SIDES.flatMap((side) => (samples[side] ?? []).map(({ window }) => ({ x, window }))),
    );
  }
}

/** What a curve over these places has: both sides at each. */
export function bothAt(places: readonly number[]): number[] {
  return places.flatMap((x) => SIDES.map(() => x));
}
