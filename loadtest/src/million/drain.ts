/** One edge is told to stop: its clients go to a spare one, and nobody misses anything. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Program } from '../harness/program.js';
import { count, type Phase, seconds } from './phase.js';
import { roundsDuring, sendRound } from './rounds.js';
import type { Run } from './run.js';
import { monotonicUs } from './sender.js';

const LOOK_INTERVAL_MS = 50;
const DEADLINE_MS = 300_000;

export async function drain(run: Run): Promise<Phase> {
  const leaving = run.edge(0);
  const spare = await run.fleet.addEdge();
  for (const crowd of run.crowds) {
    crowd.watch();
    crowd.moveTo(spare.port, run.settings.opening);
  }
  const before = await run.look();
  const beganUs = monotonicUs();
  leaving.terminate();
  const gone = goneSeconds(run, leaving, beganUs);
  const rounds = await roundsDuring(run, gone);
  const took = await gone;
  await sendRound(run);
  await run.until('all are on an edge', DEADLINE_MS, ({ ready }) => ready === before.ready);
  const after = await run.settled(DEADLINE_MS);
  const rows = [
    { what: 'clients that moved', value: count(after.moved - before.moved) },
    { what: 'of these, cut before they had', value: count(after.cut - before.cut) },
    { what: 'until the last one was elsewhere', value: seconds((after.readyUs - beganUs) / 1e6) },
    { what: 'until the edge was gone', value: seconds(took) },
    { what: 'messages to all meanwhile', value: count(rounds + 1) },
  ];
  return { name: 'drain of one edge', rows, detail: { seconds: took, before, after } };
}

async function goneSeconds(run: Run, edge: Program, beganUs: number): Promise<number> {
  while (edge.isRunning) {
    run.check();
    await pause(LOOK_INTERVAL_MS);
  }
  return (monotonicUs() - beganUs) / 1e6;
}
