/** A short run of every scenario, so that the bench cannot rot. Its figures mean nothing here. */

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child, cleanEnv } from '../kit/child.js';
import { within } from '../kit/wait.js';

const BENCH = fileURLToPath(new URL('../../loadtest/dist/main.js', import.meta.url));
/** Five times what the longer one of the two runs takes alone. */
const RUN_DEADLINE_MS = 150_000;

const SMALL = {
  BENCH_ROUNDS: '1',
  BENCH_SECONDS: '0.3',
  BENCH_WARM_SECONDS: '0',
  BENCH_SUBSCRIBERS: '100',
  BENCH_BURST_MESSAGES: '16',
  BENCH_MANY_SUBSCRIBERS: '200',
  BENCH_CHANNELS: '20',
  BENCH_CHANNEL_SUBSCRIBERS: '5',
  BENCH_PRIVATE_CLIENTS: '50',
  BENCH_POSTERS: '8',
  BENCH_BATCH_MESSAGES: '20',
  BENCH_CONNECTIONS: '100',
  BENCH_RATE: '100',
  BENCH_LATENCY_SUBSCRIBERS: '10',
  BENCH_TALKERS: '16',
  BENCH_KILLS: '1',
  BENCH_SDK_CLIENTS: '30',
  BENCH_PEERS: '0',
  BENCH_STORM_CLIENTS: '200',
};

/** Of messages in a closed loop. A wire or a number of edges differs from these by a parameter. */
const FLOWS = ['fanout', 'mixed', 'burst', 'channels', 'private'];
const SCENARIOS = [
  ...FLOWS,
  'connect',
  'latency',
  'history',
  'join-leave',
  'post',
  'batch',
  'memory',
  'reconnect-storm',
];
const FIGURES = ['failover', 'reconnect', 'sdk-size'];

/** A message in the window that reaches the fewest sockets. */
const DELIVERIES_MIN = 1;
/** A hundred ids, which differ in the length of their number where one millisecond has several. */
const ID_DIGITS = 300;
/** Of 200 clients on 10 channels: reads by client would be 20 a channel. */
const STORM_LOG_READS_MAX = 10;

interface Sample {
  readonly values: Readonly<Record<string, number>>;
  readonly cpu: Readonly<Record<string, number>>;
  readonly detail: Readonly<Record<string, number>>;
}

interface Comparison {
  readonly scenario: string;
  readonly what: string;
}

interface Report {
  readonly seconds: number;
  readonly comparisons: readonly Comparison[];
  readonly samples: Readonly<Record<string, { readonly bare: Sample[]; readonly ours: Sample[] }>>;
}

interface Run {
  readonly code: number | null;
  readonly output: string;
  /** `null` where the run failed. */
  readonly report: Report | null;
}

let folder: string;
let scenarios: Run;
let figures: Run;

async function runBench(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const results = await mkdtemp(join(folder, 'run-'));
  const child = startBench(args, { BENCH_RESULTS: results, ...env });
  try {
    const { code } = await within(child.exited, () => child.output, RUN_DEADLINE_MS);
    const [file] = await readdir(results);
    const text = file === undefined ? 'null' : await readFile(join(results, file), 'utf8');
    return { code, output: child.output, report: JSON.parse(text) as Report | null };
  } finally {
    if (child.isRunning) await child.kill();
  }
}

function startBench(args: readonly string[], env: Record<string, string>): Child {
  const spawned = spawn(process.execPath, [BENCH, ...args], {
    env: cleanEnv({ ...SMALL, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return new Child('bench', spawned);
}

/** The one sample of each side. */
function samplesOf(scenario: string): [Sample, Sample] {
  const { bare, ours } = scenarios.report?.samples[scenario] ?? { bare: [], ours: [] };
  expect([bare.length, ours.length], scenarios.output).toEqual([1, 1]);
  return [bare[0] as Sample, ours[0] as Sample];
}

/** What an earlier run left of one line. */
const EARLIER = {
  comparisons: [
    {
      scenario: 'post',
      what: 'POST one message',
      other: 'bare',
      unit: 'POST/s',
      ours: { value: 0.001, cpu: {} },
      ratio: 0.77,
    },
  ],
};

describe('npm run bench', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'halley-bench-results-'));
    const earlier = join(folder, 'earlier.json');
    await writeFile(earlier, JSON.stringify(EARLIER));
    // The second one mostly waits for clients that come back.
    [scenarios, figures] = await Promise.all([
      runBench(['--against', earlier, ...SCENARIOS]),
      runBench(FIGURES),
    ]);
  }, RUN_DEADLINE_MS);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(FLOWS)('%s: every message reaches every socket that it is for', (name) => {
    const [bare, ours] = samplesOf(name);
    for (const { values, cpu, detail } of [bare, ours]) {
      expect(detail['missing']).toBe(0);
      expect(detail['deliveries']).toBeGreaterThanOrEqual(DELIVERIES_MIN);
      expect(values['perSecond']).toBeGreaterThan(0);
      expect(Object.keys(cpu)).toEqual(expect.arrayContaining(['load', 'edge', 'others']));
    }
    // Other wires than that of the bare part have framings of their own.
    if (name === 'mixed') return;
    // Ids made within one millisecond differ in the length of their sequence number.
    expect(ours.detail['frameBytes']).toBeCloseTo(bare.detail['frameBytes'] ?? 0, 0);
  });

  it('burst: both sides join messages in a write', () => {
    for (const { detail } of samplesOf('burst'))
      expect(detail['messagesPerRead']).toBeGreaterThan(1);
  });

  it('connect: both sides are ready for all, ours takes a processor for it', () => {
    const [bare, ours] = samplesOf('connect');
    expect(bare.values['perSecond']).toBeGreaterThan(0);
    expect(ours.values['perSecond']).toBeGreaterThan(0);
    expect(ours.values['edgeUs']).toBeGreaterThan(0);
  });

  it('history: both sides answer with as many bytes, over HTTP and over the socket', () => {
    const [bare, ours] = samplesOf('history');
    for (const { values } of [bare, ours]) {
      expect(values['httpPerSecond']).toBeGreaterThan(0);
      expect(values['socketPerSecond']).toBeGreaterThan(0);
    }
    const difference = (ours.detail['pageBytes'] ?? 0) - (bare.detail['pageBytes'] ?? 0);
    expect(Math.abs(difference)).toBeLessThan(ID_DIGITS);
  });

  it.each([
    ['join-leave', 'cyclesPerSecond'],
    ['post', 'postsPerSecond'],
    ['batch', 'messagesPerSecond'],
  ])('%s: both sides answer', (name, key) => {
    for (const { values } of samplesOf(name)) expect(values[key]).toBeGreaterThan(0);
  });

  it('memory: ours keeps something for each connection', () => {
    const [, ours] = samplesOf('memory');
    expect(ours.detail['heapUsedBytes']).toBeGreaterThan(0);
  });

  it('latency: every delivery is timed', () => {
    for (const { values, detail } of samplesOf('latency')) {
      expect(detail['missing']).toBe(0);
      expect(detail['receipts']).toMatchObject({ samples: expect.any(Number) });
      expect(values['p50Ms']).toBeGreaterThan(0);
      expect(values['p99Ms']).toBeGreaterThanOrEqual(values['p50Ms'] ?? Number.NaN);
    }
  });

  it('says how each line was in an earlier run, and how long this one took', () => {
    const { code, output, report } = scenarios;
    expect(code, output).toBe(0);
    expect(output).toMatch(/POST one message \(POST\/s\) +bare +0\.001 .* 0\.77 /);
    expect(output).toMatch(/total \d+ min \d+ s/);
    expect(report?.seconds).toBeGreaterThan(1);
  });

  it('reconnect-storm: all come back, and the logs are read by channel', () => {
    const [bare, ours] = samplesOf('reconnect-storm');
    expect(bare.values['perSecond']).toBeGreaterThan(0);
    expect(ours.values['perSecond']).toBeGreaterThan(0);
    expect(ours.detail['resumed']).toBe(200);
    expect(ours.values['logReadsPerChannel']).toBeLessThan(STORM_LOG_READS_MAX);
  });

  it('failover, reconnect: the SDK loses nothing', () => {
    // Anything lost, repeated or reordered ends it with an error.
    const { code, output } = figures;
    expect(code, output).toBe(0);
    for (const name of FIGURES) expect(output).toContain(name);
  });

  it('ends after the measurement under way once nobody reads its output', async () => {
    const child = startBench(['post'], { BENCH_RESULTS: folder, BENCH_ROUNDS: '2' });
    await child.printed('post 1/2 bare', RUN_DEADLINE_MS);
    child.process.stdout?.destroy();
    expect(await within(child.exited, () => child.output, RUN_DEADLINE_MS)).toMatchObject({
      code: 1,
    });
    expect(child.output).toMatch(/\ninterrupted\n$/);
  });

  it('refuses an unknown scenario by name', async () => {
    const { code, output } = await runBench(['fan']);
    expect(code).toBe(1);
    expect(output).toContain('unknown scenario: fan');
  });

  it('refuses all bad knobs at once', async () => {
    const { code, output } = await runBench([], { BENCH_ROUNDS: '1.5', BENCH_SECONDS: 'x' });
    expect(code).toBe(1);
    expect(output).toMatch(/BENCH_ROUNDS must be an integer .*\n.*BENCH_SECONDS must be a number/);
  });
});
