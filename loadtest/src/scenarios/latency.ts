/** From POST to receipt at a fixed rate: how long a message is on its way. */

import { startBarePair } from '../harness/bare.js';
import { runLoad } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { postLine, refuseMissing, subscriberOptions, windowOptions } from './load.js';
import type { Sample, Scenario } from './scenario.js';
import { openSides } from './sides.js';

const CHANNEL = 'bench:latency';

/** The load client puts the time at which the POST was due here (loadtest/native/poster.h). */
const TIME_PLACEHOLDER = '#'.repeat(20);

export const latency: Scenario = {
  name: 'latency',
  metrics: [
    { key: 'p50Ms', what: 'POST to receipt, p50', unit: 'ms', better: 'less' },
    { key: 'p99Ms', what: 'POST to receipt, p99', unit: 'ms', better: 'less' },
  ],
  open: (settings) =>
    openSides(
      () => startBarePair(CHANNEL),
      startOurs,
      (stack) => measure(stack, settings),
    ),
};

async function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { window, cpu } = await runLoad(stack, 'latency', {
    ...windowOptions(settings),
    ...subscriberOptions(stack, CHANNEL),
    connections: settings.latencySubscribers,
    rate: settings.ratePerSecond,
    posts: [postLine(CHANNEL, { sentNs: TIME_PLACEHOLDER })],
  });
  refuseMissing(`latency, ${stack.side}`, window.missing);
  const values = { p50Ms: (window.p50Us ?? 0) / 1_000, p99Ms: (window.p99Us ?? 0) / 1_000 };
  return { values, cpu, detail: window };
}
