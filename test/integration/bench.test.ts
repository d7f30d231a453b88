/** A short run of every scenario, so that the bench cannot rot. Its figures mean nothing here. */

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Child, cleanEnv } from '../kit/child.js';
import { within } from '../kit/wait.js';

const BENCH = fileURLToPath(new URL('../../loadtest/dist/main.js', import.meta.url));
/** Two fleets are started and stopped; five times what that takes alone. */
const RUN_DEADLINE_MS = 100_000;

const SMALL = {
  BENCH_ROUNDS: '1',
  BENCH_SECONDS: '1',
  BENCH_WARM_SECONDS: '0',
  BENCH_SUBSCRIBERS: '100',
  BENCH_POSTERS: '8',
  BENCH_CONNECTIONS: '100',
  BENCH_RATE: '100',
  BENCH_LATENCY_SUBSCRIBERS: '10',
  BENCH_KILLS: '1',
  BENCH_SDK_CLIENTS: '30',
  BENCH_STORM_CLIENTS: '200',
};

/** At least one message in the second to 100 sockets. */
const SMALL_DELIVERIES_MIN = 100;
const SMALL_POSTS_MIN = 10;
/** Of 200 clients on 10 channels: reads by client would be 20 a channel. */
const STORM_LOG_READS_MAX = 10;

interface Sample {
  readonly values: Readonly<Record<string, number>>;
  readonly detail: Readonly<Record<string, number>>;
}

interface Report {
  readonly comparisons: readonly { readonly scenario: string; readonly what: string }[];
  readonly samples: Readonly<Record<string, { readonly bare: Sample[]; readonly ours: Sample[] }>>;
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'halley-bench-results-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function runBench(args: readonly string[], env: Record<string, string> = {}) {
  const spawned = spawn(process.execPath, [BENCH, ...args], {
    env: cleanEnv({ ...SMALL, BENCH_RESULTS: folder, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const child = new Child('bench', spawned);
  try {
    const { code } = await within(child.exited, () => child.output, RUN_DEADLINE_MS);
    return { code, output: child.output };
  } finally {
    if (child.isRunning) await child.kill();
  }
}

async function reportOf(args: readonly string[], env?: Record<string, string>): Promise<Report> {
  const { code, output } = await runBench(args, env);
  expect(code, output).toBe(0);
  const [file = ''] = await readdir(folder);
  return JSON.parse(await readFile(join(folder, file), 'utf8')) as Report;
}

/** The one sample of each side. */
function samplesOf(report: Report, scenario: string): [Sample, Sample] {
  const { bare, ours } = report.samples[scenario] ?? { bare: [], ours: [] };
  expect([bare.length, ours.length]).toEqual([1, 1]);
  return [bare[0] as Sample, ours[0] as Sample];
}

describe('npm run bench', () => {
  it(
    'fanout: every message reaches every socket',
    async () => {
      const report = await reportOf(['fanout']);
      const [bare, ours] = samplesOf(report, 'fanout');
      for (const { values, detail } of [bare, ours]) {
        expect(detail['missing']).toBe(0);
        expect(values['perSecond']).toBeGreaterThan(SMALL_DELIVERIES_MIN);
      }
      // Ids made within one millisecond differ in the length of their sequence number.
      expect(ours.detail['frameBytes']).toBeCloseTo(bare.detail['frameBytes'] ?? 0, 0);
    },
    RUN_DEADLINE_MS,
  );

  it(
    'post: both sides answer',
    async () => {
      for (const { values } of samplesOf(await reportOf(['post']), 'post')) {
        expect(values['postsPerSecond']).toBeGreaterThan(SMALL_POSTS_MIN);
      }
    },
    RUN_DEADLINE_MS,
  );

  it(
    'memory: ours keeps something for each connection',
    async () => {
      const [, ours] = samplesOf(await reportOf(['memory']), 'memory');
      expect(ours.detail['heapUsedBytes']).toBeGreaterThan(0);
    },
    RUN_DEADLINE_MS,
  );

  it(
    'latency: every delivery is timed',
    async () => {
      const report = await reportOf(['latency']);
      for (const { values, detail } of samplesOf(report, 'latency')) {
        expect(detail['missing']).toBe(0);
        expect(detail['receipts']).toMatchObject({ samples: expect.any(Number) });
        expect(values['p50Ms']).toBeGreaterThan(0);
        expect(values['p99Ms']).toBeGreaterThanOrEqual(values['p50Ms'] ?? Number.NaN);
      }
      expect(report.comparisons.map((line) => line.what)).toHaveLength(3);
    },
    RUN_DEADLINE_MS,
  );

  it(
    'reconnect-storm: all come back, and the logs are read by channel',
    async () => {
      // Anything lost, repeated or refused ends it with an error.
      const [bare, ours] = samplesOf(await reportOf(['reconnect-storm']), 'reconnect-storm');
      expect(bare.values['perSecond']).toBeGreaterThan(0);
      expect(ours.values['perSecond']).toBeGreaterThan(0);
      expect(ours.detail['resumed']).toBe(200);
      expect(ours.values['logReadsPerChannel']).toBeLessThan(STORM_LOG_READS_MAX);
    },
    RUN_DEADLINE_MS,
  );

  it(
    'failover, reconnect: the SDK loses nothing',
    async () => {
      // Anything lost, repeated or reordered ends it with an error.
      const { code, output } = await runBench(['failover', 'reconnect', 'sdk-size']);
      expect(code, output).toBe(0);
      for (const name of ['failover', 'reconnect', 'sdk-size']) expect(output).toContain(name);
    },
    RUN_DEADLINE_MS,
  );

  it('refuses an unknown scenario by name', async () => {
    const { code, output } = await runBench(['fan']);
    expect(code).toBe(1);
    expect(output).toContain('unknown scenario: fan');
  });

  it('refuses all bad knobs at once', async () => {
    const { code, output } = await runBench([], { BENCH_ROUNDS: '0', BENCH_SECONDS: 'x' });
    expect(code).toBe(1);
    expect(output).toMatch(/BENCH_ROUNDS.*\n.*BENCH_SECONDS/);
  });
});
