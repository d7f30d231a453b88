/** Short runs of all growth curves, and of the scenarios that start the most processes. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BenchReport, bothAt } from '../kit/bench-report.js';

const RUN_DEADLINE_MS = 300_000;
const SIZES_BYTES = [64, 512, 4_096, 16_384, 65_536];

let folder: string;
let report: BenchReport;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halley-bench-curves-'));
  const knobs = {
    BENCH_CURVE_CHANNELS: '100',
    BENCH_CURVE_CONNECTIONS: '1900',
    BENCH_PICTURES: join(folder, 'pictures'),
  };
  report = await BenchReport.of(join(folder, 'results'), ['curves'], knobs, RUN_DEADLINE_MS);
}, RUN_DEADLINE_MS);

afterAll(() => rm(folder, { recursive: true, force: true }));

it(
  'idle, fanout-10000: figures come out',
  async () => {
    const knobs = {
      BENCH_IDLE_SECONDS: '0.5',
      BENCH_CONNECTIONS: '100',
      BENCH_MANY_SUBSCRIBERS: '200',
      BENCH_PEERS: '0',
    };
    const names = ['idle', 'fanout-10000'];
    const run = await BenchReport.of(join(folder, 'others'), names, knobs, RUN_DEADLINE_MS);
    expect(Object.keys(run.valuesOf('idle'))).toEqual(['ws', 'sse', 'poll']);
    expect(run.valuesOf('fanout-10000')['perSecond']).toBeGreaterThan(0);
  },
  RUN_DEADLINE_MS,
);

describe('npm run bench -- curves', () => {
  it.each(['channels', 'connections', 'bytes', 'edges'])('%s is drawn', async (name) => {
    const picture = await readFile(join(folder, 'pictures', `${name}.svg`), 'utf8');
    expect(picture).toContain('bare');
  });

  it('channels: all sockets get what they hold', () => {
    expect(report.curve('channels').map(({ x }) => x)).toEqual(bothAt([1, 10, 100]));
  });

  it('connections: as many as asked for', () => {
    expect(report.curve('connections').map(({ x }) => x)).toEqual(bothAt([100, 500, 1_000, 1_900]));
  });

  it('bytes: messages of every size arrive whole on both sides', () => {
    const seen = report.curve('bytes');
    expect(seen.map(({ x }) => x)).toEqual(bothAt(SIZES_BYTES));
    for (const { x, window } of seen) {
      expect(window.deliveryBytes / window.deliveries).toBeGreaterThan(x);
    }
  });

  it('edges: each number of them', () => {
    expect(report.curve('edges').map(({ x }) => x)).toEqual(bothAt([1, 2, 3, 4]));
  });
});
