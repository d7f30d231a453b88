/** All connect as fast as the server lets them: what a connection costs until it is ready. */

import { startBareEdge } from '../harness/bare.js';
import { openingOptions } from '../harness/dialect.js';
import { cpuSecondsBy, LoadClient, type Opened, sharesOf } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { websocket } from '../wires/wires.js';
import { BARE_SOCKET } from './hold.js';
import type { Sample, Scenario } from './scenario.js';

const US_PER_SECOND = 1_000_000;

export const connect: Scenario = {
  name: 'connect',
  metrics: [
    {
      key: 'perSecond',
      what: `connect: ${websocket.what}`,
      unit: 'connects/s',
      better: 'more',
      goals: { bare: 0.5 },
    },
    { key: 'edgeUs', what: 'edge CPU of a connect', unit: 'us', better: 'less' },
  ],
  roundsMax: 3,
  open: (settings, stage) =>
    stage.openSides([startBareEdge, startOurs], (stack) => measure(stack, settings)),
};

async function measure(stack: Stack, { connections }: BenchSettings): Promise<Sample> {
  const opening = stack.side === 'ours' ? websocket.hold(0, connections) : BARE_SOCKET;
  const before = cpuSecondsBy(stack.processes);
  const options = { ...openingOptions(opening), connections };
  const client = await LoadClient.start(stack, 'hold', options);
  try {
    const opened = (await client.event('opened')) as Opened;
    const cpu = sharesOf(before, cpuSecondsBy(stack.processes), opened);
    const edgeUs = ((cpu['edge'] ?? 0) * opened.seconds * US_PER_SECOND) / connections;
    return { values: { perSecond: connections / opened.seconds, edgeUs }, cpu, detail: opened };
  } finally {
    await client.stop();
  }
}
