/** Messages that go on while clients come and go. */

import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../sdk/clock.js';
import { CHANNEL, type Run } from './run.js';

const PRIVATES_PER_ROUND = 100;
const LOOK_INTERVAL_MS = 200;
const MOST = 0.99;

/** One to all, and private ones to some. */
export async function sendRound(run: Run): Promise<void> {
  await run.sender.toAll([CHANNEL]);
  await run.sender.toClients(run.someClients(PRIVATES_PER_ROUND));
}

/**
 * Rounds until the work is done, the next one when those who are there have seen the last one: a message to
 * all takes both cores for a while, and a queue of them would measure nothing else.
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
    const nextMs = monotonicMs() + run.settings.roundMs;
    await sendRound(run);
    rounds += 1;
    while (!isOver && (monotonicMs() < nextMs || !(await isSeen(run)))) {
      await pause(LOOK_INTERVAL_MS);
    }
  }
  return rounds;
}

/** Those who have just come may be reading it. */
async function isSeen(run: Run): Promise<boolean> {
  run.check();
  const { through, ready } = await run.look();
  return through >= ready * MOST;
}
