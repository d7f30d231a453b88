/** `npm run million`: a million connections on one machine, held and served (docs/million.md). */

import { messageOf } from '../harness/program.js';
import { drain } from './drain.js';
import { MillionFleet } from './fleet.js';
import { hold } from './hold.js';
import { broadcast, privateMessages } from './messages.js';
import { count, type Phase } from './phase.js';
import { checkLimits } from './preflight.js';
import { type Ramp, ramp } from './ramp.js';
import { reconnects } from './reconnects.js';
import { type MillionReport, textOf, writeMillionReport } from './report.js';
import { Run } from './run.js';
import { loadMillionSettings, type MillionSettings, usage } from './settings.js';
import { faultLines } from './totals.js';

const interruption = new AbortController();
// Again and again: what was started is stopped first.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interruption.abort(new Error('interrupted')));
}
process.stdout.on('error', (error) => interruption.abort(error));

async function main(args: readonly string[]): Promise<void> {
  if (args.length > 0) return console.log(usage());
  const settings = loadMillionSettings(process.env);
  checkLimits(settings);
  const late = new Error(`not done within ${settings.deadlineMs / 60_000} minutes`);
  setTimeout(() => interruption.abort(late), settings.deadlineMs).unref();
  const report = await measure(settings);
  console.log(`\n${textOf(report)}`);
  console.log(await writeMillionReport(report));
  if (report.faults.length > 0) process.exitCode = 1;
}

async function measure(settings: MillionSettings): Promise<MillionReport> {
  const edges = Math.ceil(settings.connections / settings.perEdge);
  console.log(
    `${count(settings.connections)} connections by ${settings.wire}: ${edges} edges start`,
  );
  const { signal } = interruption;
  const fleet = await MillionFleet.start(settings, signal);
  const run = new Run(settings, fleet, signal);
  try {
    return await runPhases(run);
  } finally {
    run.say('stopping all');
    await run.stop();
  }
}

/** A phase that fails is the last one; what was measured before it is reported all the same. */
async function runPhases(run: Run): Promise<MillionReport> {
  const { settings } = run;
  const date = new Date();
  const phases: Phase[] = [];
  const failures: string[] = [];
  let ramped: Ramp | null = null;
  try {
    ramped = await ramp(run);
    phases.push(ramped);
    if (ramped.reached > 0) await serve(run, ramped, phases);
  } catch (error) {
    failures.push(`after ${phases.at(-1)?.name ?? 'the start'}: ${messageOf(error)}`);
  }
  const faults = await run.look().then(
    (totals) => faultLines(totals.faults),
    (error: unknown) => [messageOf(error)],
  );
  const memory = ramped?.memory ?? [];
  const reached = ramped?.reached ?? 0;
  return {
    date,
    settings,
    reached,
    phases,
    memory,
    faults: [...failures, ...faults],
    seconds: run.seconds,
  };
}

async function serve(run: Run, { memory: [empty] }: Ramp, phases: Phase[]): Promise<void> {
  if (empty === undefined) throw new Error('nothing was measured before the ramp');
  const steps = [
    () => hold(run, empty),
    ...[broadcast, privateMessages, reconnects, drain].map((it) => () => it(run)),
  ];
  for (const step of steps) {
    const phase = await step();
    phases.push(phase);
    for (const { what, value } of phase.rows) run.say(`${phase.name}: ${what}: ${value}`);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
