/** One message to all connections of one edge, again and again: what a delivery costs. */

import { startBareEdge } from '../harness/bare.js';
import { openingOptions } from '../harness/dialect.js';
import { runLoad } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import { peerStarts } from '../peers/index.js';
import type { BenchSettings } from '../settings.js';
import { icometStream, sse, type Wire, websocket } from '../wires/wires.js';
import { DATA, refuseMissing, windowOptions } from './load.js';
import type { Metric, Sample, Scenario } from './scenario.js';
import { openSides } from './sides.js';

/** The bare part is uWS with WebSockets, whatever wire ours is. */
function fanoutOver(name: string, wire: Wire, goal: number): Scenario {
  const what = `fan-out, 1 message to all by ${wire.name}`;
  const shared = { better: 'more', goals: { bare: goal } } as const;
  // Of the wires the peers have only this one in common with us.
  const isBesidePeers = wire === websocket;
  const metrics: Metric[] = [
    {
      better: 'more',
      goals: { bare: goal, nchan: 1, 'nchan-redis': 1.2 },
      key: 'perEdgeCore',
      what: `${what}, per edge core`,
      unit: 'deliveries/s',
    },
    { ...shared, key: 'perSecond', what, unit: 'deliveries/s', bareFigure: 104_000 },
  ];
  return {
    name,
    metrics,
    open: (settings) =>
      openSides(
        [startBareEdge, startOurs, ...(isBesidePeers ? peerStarts(settings) : [])],
        (stack) => measure(name, wire, stack, settings),
      ),
  };
}

export const fanout = fanoutOver('fanout', websocket, 0.95);
export const fanoutSse = fanoutOver('fanout-sse', sse, 0.95);
export const fanoutIcomet = fanoutOver('fanout-icomet', icometStream, 0.95);

async function measure(
  name: string,
  wire: Wire,
  stack: Stack,
  settings: BenchSettings,
): Promise<Sample> {
  const speaker = stack.side === 'ours' ? wire : stack.dialect;
  const { window, cpu } = await runLoad(stack, 'fanout', {
    ...windowOptions(settings),
    ...openingOptions(speaker.listen([wire.channel])),
    connections: settings.subscribers,
    posters: 4,
    requests: [stack.dialect.publish(wire.channel, DATA)],
  });
  refuseMissing(`${name}, ${stack.side}`, window.missing);
  const perSecond = window.deliveries / window.seconds;
  const detail = {
    ...window,
    frameBytes: window.deliveryBytes / window.deliveries,
    // Above 1: messages were joined in one write, which is another, cheaper case.
    messagesPerRead: window.deliveries / window.reads,
  };
  return { values: { perSecond, perEdgeCore: perSecond / (cpu['edge'] ?? 0) }, cpu, detail };
}
