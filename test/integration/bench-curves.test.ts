/** Short runs of what clients ask, and of one growth curve; the others are in test/long. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BenchReport, bothAt } from '../kit/bench-report.js';

/** Five times what the two take beside each other. */
const RUN_DEADLINE_MS = 60_000;
/** A hundred ids, which differ in the length of their number where one millisecond has several. */
const ID_DIGITS = 300;

const KNOBS = {
  BENCH_SUBSCRIBERS: '40',
  BENCH_POSTERS: '4',
  BENCH_TALKERS: '16',
  BENCH_CURVE_CHANNELS: '10',
};

let folder: string;
let first: BenchReport;
let second: BenchReport;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halley-bench-curves-'));
  const run = (name: string, names: readonly string[]) => {
    const knobs = { ...KNOBS, BENCH_PICTURES: join(folder, 'pictures') };
    return BenchReport.of(join(folder, name), names, knobs, RUN_DEADLINE_MS);
  };
  [first, second] = await Promise.all([
    run('first', ['join-leave', 'curve-channels']),
    run('second', ['mixed', 'history']),
  ]);
}, RUN_DEADLINE_MS);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('npm run bench', () => {
  it('mixed: readers of every wire get every message', () => {
    for (const { values, detail } of second.samples('mixed')) {
      expect(detail['missing']).toBe(0);
      expect(values['perSecond']).toBeGreaterThan(0);
    }
  });

  it('join-leave: every frame is answered', () => {
    for (const { values } of first.samples('join-leave')) {
      expect(values['cyclesPerSecond']).toBeGreaterThan(0);
    }
  });

  it('history: both sides answer with as many bytes, over HTTP and over the socket', () => {
    const [bare, ours] = second.samples('history');
    for (const { values } of [bare, ours]) {
      expect(values['httpPerSecond']).toBeGreaterThan(0);
      expect(values['socketPerSecond']).toBeGreaterThan(0);
    }
    const difference = (ours.detail['pageBytes'] ?? 0) - (bare.detail['pageBytes'] ?? 0);
    expect(Math.abs(difference)).toBeLessThan(ID_DIGITS);
  });

  it('curve-channels: each point is measured, and drawn where a picture is asked for', async () => {
    expect(first.curve('channels').map(({ x }) => x)).toEqual(bothAt([1, 10]));
    const picture = await readFile(join(folder, 'pictures', 'channels.svg'), 'utf8');
    expect(picture).toContain('bare uWebSockets.js');
  });
});
