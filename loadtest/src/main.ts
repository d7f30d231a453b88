/** `npm run bench [-- scenario...]`: ours beside the bare part, in turn, median of the rounds. */

import { type Comparison, compare, type Samples } from './comparison.js';
import { loadClientName } from './harness/load-client.js';
import { messageOf } from './harness/program.js';
import type { Side } from './harness/stack.js';
import { formatTable, writeReport } from './report.js';
import { SCENARIOS } from './scenarios/index.js';
import type { Sample, Scenario } from './scenarios/scenario.js';
import { type BenchSettings, KNOBS, loadBenchSettings } from './settings.js';

const SIDES: readonly Side[] = ['bare', 'ours'];

/** Ends the run after the measurement under way, so that nothing stays running or lying about. */
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isInterrupted = true;
  });
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage());
  const chosen = chooseScenarios(args);
  const settings = loadBenchSettings(process.env);
  const loadClient = await loadClientName();
  const comparisons: Comparison[] = [];
  const samples: Record<string, Samples> = {};
  for (const scenario of chosen) {
    const measured = await runScenario(scenario, settings);
    samples[scenario.name] = measured;
    comparisons.push(...scenario.metrics.map((it) => compare(scenario.name, it, measured)));
  }
  console.log(`\n${formatTable(comparisons)}\n`);
  const report = { settings, loadClient, comparisons, samples };
  console.log(await writeReport(report, new Date(), process.env['BENCH_RESULTS'] || undefined));
}

/** @throws Error that names an unknown scenario */
function chooseScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return SCENARIOS;
  return names.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found === undefined) throw new Error(`unknown scenario: ${name}\n${usage()}`);
    return found;
  });
}

/** Bare, ours, bare, ours: a machine that slows down meanwhile slows down both. */
async function runScenario(scenario: Scenario, settings: BenchSettings): Promise<Samples> {
  const samples: Record<Side, Sample[]> = { bare: [], ours: [] };
  const sides = await scenario.open(settings);
  try {
    for (let round = 1; round <= settings.rounds; round += 1) {
      for (const side of SIDES) {
        const sample = await sides.measure(side);
        if (isInterrupted) throw new Error('interrupted');
        samples[side].push(sample);
        console.log(`${scenario.name} ${round}/${settings.rounds} ${side}: ${valuesText(sample)}`);
      }
    }
  } finally {
    await sides.stop();
  }
  return samples;
}

function valuesText(sample: Sample): string {
  const values = Object.entries(sample.values);
  return values.map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`).join(', ');
}

function usage(): string {
  const names = SCENARIOS.map((scenario) => scenario.name).join('|');
  const knobs = Object.entries(KNOBS).map(
    ([name, knob]) =>
      `  ${name.padEnd(26)} ${knob.about} (${knob.default}; ${knob.min}..${knob.max})`,
  );
  const client = `  ${'BENCH_LOAD_CLIENT'.padEnd(26)} native or node (native, if there is a C compiler)`;
  const results = `  ${'BENCH_RESULTS'.padEnd(26)} folder of the results (loadtest/results)`;
  return [`npm run bench [-- ${names} ...]`, ...knobs, client, results].join('\n');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
