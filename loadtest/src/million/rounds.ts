/** Messages that go on while clients come and go. */

import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../sdk/clock.js';
import { CHANNEL, type Run } from './run.js';

const PRIVATES_PER_ROUND = 100;
const LOOK_INTERVAL_MS = 200;
const MOST = 0.99;
/** Rest after a round, by what it took: most of the time belongs to the work. */
const RESTS = 2;

/** One to all, and private ones to some. */
export async function sendRound(run: Run): Promise<void> {
  await run.sender.toAll([CHANNEL]);
  await run.sender.toClients(run.someClients(PRIVATES_PER_ROUND));
}

/**
 * Rounds until the work is done, the next one some time after those who are there have seen the last one: a
 * message to all takes both cores for a while, and nothing else would be measured.
 * @returns how many
 */
export async function roundsDuring(run: Run, work: Promise<unknown>): Promise<number> {
  let rounds = 0;
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  work.then(over, over);
  while (!isOver) {
    const beganMs = monotonicMs();
    await sendRound(run);
    rounds += 1;
    while (!isOver && !(await isSeen(run))) await pause(LOOK_INTERVAL_MS);
    const seenMs = monotonicMs();
    const restMs = RESTS * (seenMs - beganMs);
    const nextMs = Math.max(beganMs + run.settings.roundMs, seenMs + restMs);
    while (!isOver && monotonicMs() < nextMs) await pause(LOOK_INTERVAL_MS);
  }
  return rounds;
}

/** Those who have just come may be reading it. */
async function isSeen(run: Run): Promise<boolean> {
  run.check();
  const { through, ready } = await run.look();
  return through >= ready * MOST;
}
