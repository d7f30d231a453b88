/** One message to readers of four wires at once: what a crowd of browsers of all kinds costs. */

import { startBareEdge } from '../harness/bare.js';
import type { Opening } from '../harness/dialect.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { NATIVE_MARKER, poll, sse, stream, websocket } from '../wires/wires.js';
import { flowMetrics, measureFlow } from './flow.js';
import { DATA } from './load.js';
import type { Sample, Scenario } from './scenario.js';

const CHANNEL = 'bench:mixed';
const WHAT = 'fan-out, 1 message to a quarter each by WebSocket, SSE, stream, poll';

/** The bare part has WebSockets only: uWS has no topics for HTTP. */
export const mixed: Scenario = {
  name: 'mixed',
  metrics: flowMetrics(WHAT, { goals: { bare: 0.5 } }),
  roundsMax: 3,
  open: (settings, stage) =>
    stage.openSides([startBareEdge, startOurs], (stack) => measure(stack, settings)),
};

/** Used in turn, so that each wire has as many. */
function listen(stack: Stack): Opening {
  if (stack.side !== 'ours') return stack.dialect.listen([CHANNEL]);
  const wires = [websocket, sse, stream, poll];
  return {
    marker: NATIVE_MARKER,
    sockets: wires.flatMap((wire) => wire.listen([CHANNEL]).sockets),
  };
}

function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  return measureFlow(stack, settings, {
    name: 'mixed',
    opening: listen(stack),
    connections: settings.subscribers,
    posters: 4,
    requests: [stack.dialect.publish(CHANNEL, DATA)],
  });
}
