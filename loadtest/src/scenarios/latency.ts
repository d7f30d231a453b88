/** From POST to receipt at a fixed rate: how long a message is on its way. */

import { startBarePair } from '../harness/bare.js';
import { openingOptions } from '../harness/dialect.js';
import { runLoad } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import { peerStarts } from '../peers/index.js';
import type { BenchSettings } from '../settings.js';
import { refuseMissing, windowOptions } from './load.js';
import type { Sample, Scenario } from './scenario.js';

const CHANNEL = 'bench:latency';

/** The load client puts the time at which the POST was due here (loadtest/native/poster.h). */
const TIME_PLACEHOLDER = '#'.repeat(20);

export const latency: Scenario = {
  name: 'latency',
  metrics: [
    { key: 'p50Ms', what: 'POST to receipt, p50', unit: 'ms', better: 'less' },
    { key: 'p99Ms', what: 'POST to receipt, p99', unit: 'ms', better: 'less', goals: { bare: 2 } },
    { key: 'p999Ms', what: 'POST to receipt, p99.9', unit: 'ms', better: 'less' },
  ],
  open: (settings, stage) =>
    stage.openSides([startBarePair, startOurs, ...peerStarts(settings)], (stack) =>
      measure(stack, settings),
    ),
};

async function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { window, cpu } = await runLoad(stack, 'latency', {
    ...windowOptions(settings),
    ...openingOptions(stack.dialect.listen([CHANNEL])),
    connections: settings.latencySubscribers,
    rate: settings.ratePerSecond,
    requests: [stack.dialect.publish(CHANNEL, { sentNs: TIME_PLACEHOLDER })],
  });
  refuseMissing('latency', stack.side, window.missing);
  const { p50Us = 0, p99Us = 0, p999Us = 0 } = window.receipts ?? {};
  const values = { p50Ms: p50Us / 1_000, p99Ms: p99Us / 1_000, p999Ms: p999Us / 1_000 };
  return { values, cpu, detail: window };
}
