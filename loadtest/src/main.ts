/** `npm run bench [-- scenario...]`: ours beside the bare part, in turn, median of the rounds. */

import { type Comparison, compare, type Samples } from './comparison.js';
import { type Figure, type FigureResult, formatRows } from './figures/figure.js';
import { CURVE_NAMES, CURVES, FIGURES } from './figures/index.js';
import { messageOf } from './harness/program.js';
import type { Side } from './harness/stack.js';
import { formatTable, writeReport } from './report.js';
import { SCENARIOS } from './scenarios/index.js';
import type { Sample, Scenario } from './scenarios/scenario.js';
import { type BenchSettings, KNOBS, loadBenchSettings } from './settings.js';

/** Ends the run after the measurement under way, so that nothing stays running or lying about. */
let isInterrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isInterrupted = true;
  });
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage());
  const { scenarios, figures } = choose(args);
  const settings = loadBenchSettings(process.env);
  const comparisons: Comparison[] = [];
  const samples: Record<string, Samples> = {};
  for (const scenario of scenarios) {
    const measured = await runScenario(scenario, settings);
    samples[scenario.name] = measured;
    comparisons.push(...scenario.metrics.flatMap((it) => compare(scenario.name, it, measured)));
  }
  if (comparisons.length > 0) console.log(`\n${formatTable(comparisons)}\n`);
  const measured = await runFigures(figures, settings);
  const report = { settings, comparisons, samples, figures: measured };
  console.log(await writeReport(report, new Date(), process.env['BENCH_RESULTS'] || undefined));
}

interface Choice {
  readonly scenarios: readonly Scenario[];
  readonly figures: readonly Figure[];
}

/** In the order of the names. @throws Error that names an unknown scenario */
function choose(names: readonly string[]): Choice {
  if (names.length === 0) return { scenarios: SCENARIOS, figures: FIGURES };
  const known = new Set([...SCENARIOS, ...FIGURES].map(({ name }) => name));
  const asked = names.flatMap((name) => (name === CURVES ? CURVE_NAMES : [name]));
  const unknown = asked.find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`unknown scenario: ${unknown}\n${usage()}`);
  const pick = <T extends { readonly name: string }>(all: readonly T[]): T[] =>
    asked.flatMap((name) => all.filter((it) => it.name === name));
  return { scenarios: pick(SCENARIOS), figures: pick(FIGURES) };
}

/** In turn, round by round: a machine that slows down meanwhile slows down all. */
async function runScenario(scenario: Scenario, settings: BenchSettings): Promise<Samples> {
  const samples: Partial<Record<Side, Sample[]>> = {};
  const sides = await scenario.open(settings);
  try {
    for (let round = 1; round <= settings.rounds; round += 1) {
      for (const side of sides.names) {
        const sample = await sides.measure(side);
        if (isInterrupted) throw new Error('interrupted');
        samples[side] = [...(samples[side] ?? []), sample];
        console.log(`${scenario.name} ${round}/${settings.rounds} ${side}: ${valuesText(sample)}`);
      }
    }
  } finally {
    await sides.stop();
  }
  return samples;
}

async function runFigures(
  figures: readonly Figure[],
  settings: BenchSettings,
): Promise<Record<string, FigureResult>> {
  const results: Record<string, FigureResult> = {};
  for (const { name, measure } of figures) {
    const result = await measure(settings);
    if (isInterrupted) throw new Error('interrupted');
    results[name] = result;
    console.log(`\n${name}\n${formatRows(result.rows)}\n`);
  }
  return results;
}

function valuesText(sample: Sample): string {
  const values = Object.entries(sample.values);
  return values.map(([key, value]) => `${key} ${Number(value.toPrecision(4))}`).join(', ');
}

function usage(): string {
  const names = [...SCENARIOS, ...FIGURES].map(({ name }) => name).join('|');
  const knobs = Object.entries(KNOBS).map(
    ([name, knob]) =>
      `  ${name.padEnd(26)} ${knob.about} (${knob.default}; ${knob.min}..${knob.max})`,
  );
  const results = `  ${'BENCH_RESULTS'.padEnd(26)} folder of the results (loadtest/results)`;
  const pictures = `  ${'BENCH_PICTURES'.padEnd(26)} folder of the curves' pictures (none are drawn)`;
  return [`npm run bench [-- ${names}|${CURVES} ...]`, ...knobs, results, pictures].join('\n');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
