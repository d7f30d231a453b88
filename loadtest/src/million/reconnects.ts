/** Many connections end and come back at once, to another edge, while messages are published. */

import { count, type Phase, seconds } from './phase.js';
import { roundsDuring, sendRound } from './rounds.js';
import type { Run } from './run.js';
import { monotonicUs } from './sender.js';

const DEADLINE_MS = 600_000;

export async function reconnects(run: Run): Promise<Phase> {
  const before = await run.look();
  const wanted = Math.min(run.settings.reconnects, before.ready);
  await dropSome(run, wanted, before.ready);
  const gone = await run.until(
    'the connections are closed',
    DEADLINE_MS,
    ({ ready }) => ready === before.ready - wanted,
  );
  // Those who are away will have to ask for it.
  await sendRound(run);
  for (const crowd of run.crowds) crowd.watch();
  const beganUs = monotonicUs();
  for (const [index, crowd] of run.crowds.entries()) {
    // Each to the next edge: as many have left it.
    crowd.comeBack(run.edge(index + 1).port, run.settings.opening);
  }
  const back = run.until('all are back', DEADLINE_MS, (totals) => totals.ready === before.ready);
  const rounds = await roundsDuring(run, back);
  const { readyUs, resumed } = await back;
  await sendRound(run);
  const after = await run.settled(DEADLINE_MS);
  const took = (readyUs - beganUs) / 1e6;
  const rows = [
    { what: 'connections that ended at once', value: count(wanted) },
    { what: 'back, each on another edge', value: count(resumed - before.resumed) },
    { what: 'until the last one was back', value: seconds(took) },
    { what: 'reconnects a second', value: count(wanted / took) },
    { what: 'messages to all meanwhile', value: count(rounds + 2) },
    { what: 'deliveries meanwhile', value: count(after.messages - gone.messages) },
  ];
  return { name: 'reconnects', rows, detail: { wanted, seconds: took, rounds, before, after } };
}

/** Of each client process as many as it has of all. */
async function dropSome(run: Run, wanted: number, all: number): Promise<void> {
  let left = wanted;
  let size = all;
  for (const [index, crowd] of run.crowds.entries()) {
    const { ready } = await run.lookAt(crowd);
    const share = size === 0 ? 0 : Math.round((left * ready) / size);
    crowd.drop(share, index + 1);
    left -= share;
    size -= ready;
  }
}
