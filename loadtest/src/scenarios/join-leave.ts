/** Members who come and go: what a subscribe and an unsubscribe cost where the others are told of both. */

import { startBarePair } from '../harness/bare.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { numbered } from './load.js';
import type { Sample, Scenario } from './scenario.js';
import { runTalk } from './talk.js';

/** A socket is in one of them half of the time: with 256 sockets a channel has two members. */
const CHANNELS = numbered('room:join', 64);
const FRAMES_PER_CYCLE = 2;

export const joinLeave: Scenario = {
  name: 'join-leave',
  metrics: [
    {
      key: 'cyclesPerSecond',
      what: 'subscribe and unsubscribe, members told',
      unit: 'cycles/s',
      better: 'more',
      goals: { bare: 0.5 },
    },
  ],
  roundsMax: 3,
  open: (settings, stage) =>
    stage.openSides([startBarePair, startOurs], (stack) => measure(stack, settings)),
};

async function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { window, cpu } = await runTalk(stack, settings, {
    frames: CHANNELS.flatMap((channel) => [
      JSON.stringify({ type: 'subscribe', ref: 1, channel }),
      JSON.stringify({ type: 'unsubscribe', ref: 2, channel }),
    ]),
    stride: FRAMES_PER_CYCLE,
  });
  const cycles = (window.answered ?? 0) / FRAMES_PER_CYCLE;
  return { values: { cyclesPerSecond: cycles / window.seconds }, cpu, detail: window };
}
