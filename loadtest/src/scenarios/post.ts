/** POST of one message at a time over many connections: what a publish costs. */

import { startBareApi } from '../harness/bare.js';
import { runLoad } from '../harness/load.js';
import { startOurApi } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { DATA, numbered, windowOptions } from './load.js';
import type { Sample, Scenario } from './scenario.js';

/** Many logs of few messages, as a backend writes them. Nobody is subscribed. */
const CHANNELS = numbered('bench:post', 1_000);

export const post: Scenario = {
  name: 'post',
  metrics: [
    {
      key: 'postsPerSecond',
      what: 'POST one message',
      unit: 'POST/s',
      better: 'more',
      bareFigure: 27_000,
      goals: { bare: 0.8 },
    },
  ],
  open: (settings, stage) =>
    stage.openSides([startBareApi, startOurApi], (stack) => measure(stack, settings)),
};

async function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { window, cpu } = await runLoad(stack, 'post', {
    ...windowOptions(settings),
    posters: settings.posters,
    requests: CHANNELS.map((channel) => stack.dialect.publish(channel, DATA)),
  });
  return { values: { postsPerSecond: window.posts / window.seconds }, cpu, detail: window };
}
