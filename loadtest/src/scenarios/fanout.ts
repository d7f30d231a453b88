/** One message to all connections of one edge, again and again: what a delivery costs. */

import { startBareEdge } from '../harness/bare.js';
import { runLoad } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { postLine, refuseMissing, windowOptions } from './load.js';
import type { Goal, Sample, Scenario } from './scenario.js';
import { openSides } from './sides.js';
import { icometStream, sse, type Wire, websocket } from './wires.js';

/** The bare part is uWS with WebSockets, whatever wire ours is. */
function fanoutOver(name: string, wire: Wire, goal: Goal): Scenario {
  return {
    name,
    metrics: [
      {
        key: 'deliveriesPerSecond',
        what: `fan-out, 1 message to all by ${wire.name}`,
        unit: 'deliveries/s',
        better: 'more',
        bareFigure: 104_000,
        goal,
      },
    ],
    open: (settings) =>
      openSides(startBareEdge, startOurs, (stack) => measure(name, wire, stack, settings)),
  };
}

export const fanout = fanoutOver('fanout', websocket, { ratio: 0.95 });
export const fanoutSse = fanoutOver('fanout-sse', sse, { ratio: 0.95 });
export const fanoutIcomet = fanoutOver('fanout-icomet', icometStream, { ratio: 0.95 });

async function measure(
  name: string,
  wire: Wire,
  stack: Stack,
  settings: BenchSettings,
): Promise<Sample> {
  const { targets, options } =
    stack.side === 'bare' ? { targets: ['/v1/ws'], options: {} } : wire.listen(wire.channel);
  const { window, cpu } = await runLoad(stack, 'fanout', {
    ...windowOptions(settings),
    ...options,
    targets,
    connections: settings.subscribers,
    posters: 4,
    posts: [postLine(wire.channel)],
  });
  refuseMissing(`${name}, ${stack.side}`, window.missing);
  const detail = {
    ...window,
    frameBytes: window.deliveryBytes / window.deliveries,
    // Above 1: uWS joined messages in one write, which is another, cheaper case.
    messagesPerRead: window.deliveries / window.reads,
  };
  return { values: { deliveriesPerSecond: window.deliveries / window.seconds }, cpu, detail };
}
