/** One message to all connections of one edge, again and again: what a delivery costs. */

import { startBareEdge } from '../harness/bare.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { icometStream, sse, type Wire, websocket } from '../wires/wires.js';
import { type FlowGoal, flowMetrics, measureFlow } from './flow.js';
import { DATA } from './load.js';
import type { Sample, Scenario } from './scenario.js';

const POSTERS = 4;
const GOAL: FlowGoal = { goals: { bare: 0.95 }, bareFigure: 104_000 };

/** The bare part is uWS with WebSockets, whatever wire ours is. */
function fanoutOver(name: string, wire: Wire, roundsMax = Number.POSITIVE_INFINITY): Scenario {
  return {
    name,
    roundsMax,
    metrics: flowMetrics(`fan-out, 1 message to all by ${wire.name}`, GOAL),
    open: (settings, stage) =>
      stage.openSides([startBareEdge, startOurs], (stack) =>
        measure(name, wire, stack, settings, settings.subscribers),
      ),
  };
}

export const fanout = fanoutOver('fanout', websocket);
export const fanoutSse = fanoutOver('fanout-sse', sse, 3);
export const fanoutIcomet = fanoutOver('fanout-icomet', icometStream, 3);

/** What a delivery costs when an edge holds many: no figure of the bare part is known. */
export const fanoutMany: Scenario = {
  name: 'fanout-10000',
  metrics: flowMetrics('fan-out, 1 message to 10,000 by websocket', { goals: { bare: 0.95 } }),
  roundsMax: 3,
  open: (settings, stage) =>
    stage.openSides([startBareEdge, startOurs], (stack) =>
      measure('fanout-10000', websocket, stack, settings, settings.manySubscribers),
    ),
};

function measure(
  name: string,
  wire: Wire,
  stack: Stack,
  settings: BenchSettings,
  connections: number,
): Promise<Sample> {
  const speaker = stack.side === 'ours' ? wire : stack.dialect;
  return measureFlow(stack, settings, {
    name,
    connections,
    opening: speaker.listen([wire.channel]),
    posters: POSTERS,
    requests: [stack.dialect.publish(wire.channel, DATA)],
  });
}
