/** `npm run bench [-- scenario...]`: ours beside the bare part, in turn, median of the rounds. */

import { parseArgs } from 'node:util';
import { formatAgainst, readComparisons } from './against.js';
import { type Comparison, compare, type Samples } from './comparison.js';
import { type Figure, type FigureResult, formatRows } from './figures/figure.js';
import { CURVE_NAMES, CURVES, FIGURES } from './figures/index.js';
import { messageOf } from './harness/program.js';
import { isPeer, type Side } from './harness/stack.js';
import { formatTable, sharesText, writeReport } from './report.js';
import { SCENARIOS } from './scenarios/index.js';
import type { Sample, Scenario, Stage } from './scenarios/scenario.js';
import { SharedStage } from './scenarios/sides.js';
import { type BenchSettings, describeSettings, loadBenchSettings } from './settings.js';

/** Ends the run after the measurement under way, so that nothing stays running or lying about. */
let isInterrupted = false;
function interrupt(): void {
  isInterrupted = true;
}
process.once('SIGINT', interrupt);
process.once('SIGTERM', interrupt);
// `npm run bench | head`: what nobody reads need not be measured.
process.stdout.on('error', interrupt);

/** Enough to say how far behind a peer is; Halley and the bare part are compared more closely. */
const PEER_ROUNDS_MAX = 3;

const OPTIONS = { help: { type: 'boolean' }, against: { type: 'string' } } as const;

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help === true) return console.log(usage());
  const { scenarios, figures } = choose(positionals);
  const settings = loadBenchSettings(process.env);
  const then = values.against === undefined ? null : await readComparisons(values.against);
  const begunMs = performance.now();
  const samples = await runScenarios(scenarios, settings);
  const comparisons = scenarios.flatMap(({ name, metrics }) =>
    metrics.flatMap((metric) => compare(name, metric, samples[name] ?? {})),
  );
  const measured = await runFigures(figures, settings);
  const seconds = secondsSince(begunMs);
  printComparisons(comparisons, then);
  console.log(`total ${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`);
  const report = { settings, seconds, comparisons, samples, figures: measured };
  console.log(await writeReport(report, new Date(), process.env['BENCH_RESULTS'] || undefined));
}

function printComparisons(
  comparisons: readonly Comparison[],
  then: readonly Comparison[] | null,
): void {
  if (comparisons.length === 0) return;
  console.log(`\n${formatTable(comparisons)}\n`);
  if (then !== null) console.log(`${formatAgainst(comparisons, then)}\n`);
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

async function runScenarios(
  scenarios: readonly Scenario[],
  settings: BenchSettings,
): Promise<Record<string, Samples>> {
  const samples: Record<string, Samples> = {};
  const stage = new SharedStage();
  try {
    for (const scenario of scenarios) {
      const begunMs = performance.now();
      samples[scenario.name] = await runScenario(scenario, settings, stage);
      console.log(`${scenario.name}: ${Math.round(secondsSince(begunMs))} s`);
    }
  } finally {
    await stage.stop();
  }
  return samples;
}

/** In turn, round by round: a machine that slows down meanwhile slows down all. */
async function runScenario(
  scenario: Scenario,
  settings: BenchSettings,
  stage: Stage,
): Promise<Samples> {
  const samples: Partial<Record<Side, Sample[]>> = {};
  const sides = await scenario.open(settings, stage);
  const rounds = Math.min(settings.rounds, scenario.roundsMax ?? settings.rounds);
  const peerRounds = Math.min(rounds, scenario.peerRoundsMax ?? PEER_ROUNDS_MAX);
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const side of sides.names) {
        if (round > peerRounds && isPeer(side)) continue;
        const sample = await sides.measure(side);
        if (isInterrupted) throw new Error('interrupted');
        samples[side] = [...(samples[side] ?? []), sample];
        console.log(`${scenario.name} ${round}/${rounds} ${side}: ${sampleText(sample)}`);
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
    const begunMs = performance.now();
    const result = await measure(settings);
    if (isInterrupted) throw new Error('interrupted');
    results[name] = result;
    console.log(`\n${name}: ${Math.round(secondsSince(begunMs))} s\n${formatRows(result.rows)}\n`);
  }
  return results;
}

function secondsSince(begunMs: number): number {
  return (performance.now() - begunMs) / 1_000;
}

function sampleText({ values, cpu }: Sample): string {
  const parts = Object.entries(values).map(
    ([key, value]) => `${key} ${Number(value.toPrecision(4))}`,
  );
  return `${parts.join(', ')}; cores: ${sharesText(cpu)}`;
}

function usage(): string {
  const names = [...SCENARIOS, ...FIGURES].map(({ name }) => name).join('|');
  const use = `npm run bench [-- [--against <file>] ${names}|${CURVES} ...]`;
  return [use, ...describeSettings()].join('\n');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
