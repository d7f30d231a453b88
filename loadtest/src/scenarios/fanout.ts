/** One message to all sockets of one edge, again and again: what a delivery costs. */

import { startBareEdge } from '../harness/bare.js';
import { runLoad } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { postLine, refuseMissing, subscriberOptions, windowOptions } from './load.js';
import type { Sample, Scenario } from './scenario.js';
import { openSides } from './sides.js';

const CHANNEL = 'bench:fanout';

export const fanout: Scenario = {
  name: 'fanout',
  metrics: [
    {
      key: 'deliveriesPerSecond',
      what: 'fan-out, 1 message to all',
      unit: 'deliveries/s',
      better: 'more',
      bareFigure: 104_000,
      goal: { ratio: 0.95 },
    },
  ],
  open: (settings) => openSides(startBareEdge, startOurs, (stack) => measure(stack, settings)),
};

async function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { window, cpu } = await runLoad(stack, 'fanout', {
    ...windowOptions(settings),
    ...subscriberOptions(stack, CHANNEL),
    connections: settings.subscribers,
    posters: 4,
    posts: [postLine(CHANNEL)],
  });
  refuseMissing(`fanout, ${stack.side}`, window.missing);
  const detail = {
    ...window,
    frameBytes: window.deliveryBytes / window.deliveries,
    // Above 1: uWS joined messages in one write, which is another, cheaper case.
    messagesPerRead: window.deliveries / window.reads,
  };
  return { values: { deliveriesPerSecond: window.deliveries / window.seconds }, cpu, detail };
}
