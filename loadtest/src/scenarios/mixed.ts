/** One message to readers of four wires at once: what a crowd of browsers of all kinds costs. */

import { startBareEdge } from '../harness/bare.js';
import { type Opening, openingOptions } from '../harness/dialect.js';
import { runLoad } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { NATIVE_MARKER, poll, sse, stream, websocket } from '../wires/wires.js';
import { DATA, refuseMissing, windowOptions } from './load.js';
import type { Sample, Scenario } from './scenario.js';
import { openSides } from './sides.js';

const CHANNEL = 'bench:mixed';
const WHAT = 'fan-out, 1 message to a quarter each by WebSocket, SSE, stream, poll';

/** The bare part has WebSockets only: uWS has no topics for HTTP. */
export const mixed: Scenario = {
  name: 'mixed',
  metrics: [
    {
      key: 'perEdgeCore',
      what: `${WHAT}, per edge core`,
      unit: 'deliveries/s',
      better: 'more',
      goals: { bare: 0.5 },
    },
    { key: 'perSecond', what: WHAT, unit: 'deliveries/s', better: 'more' },
  ],
  open: (settings) => openSides([startBareEdge, startOurs], (stack) => measure(stack, settings)),
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

async function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { window, cpu } = await runLoad(stack, 'fanout', {
    ...windowOptions(settings),
    ...openingOptions(listen(stack)),
    connections: settings.subscribers,
    posters: 4,
    requests: [stack.dialect.publish(CHANNEL, DATA)],
  });
  refuseMissing(`mixed, ${stack.side}`, window.missing);
  const perSecond = window.deliveries / window.seconds;
  return {
    values: { perSecond, perEdgeCore: perSecond / (cpu['edge'] ?? 0) },
    cpu,
    detail: window,
  };
}
