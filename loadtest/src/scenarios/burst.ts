/** Many messages on their way to all connections at once, so that a server joins them in its writes. */

import { startBareEdge } from '../harness/bare.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { flowMetrics, measureFlow } from './flow.js';
import { DATA } from './load.js';
import type { Sample, Scenario } from './scenario.js';

const CHANNEL = 'bench:burst';

/** A connection that is cut ends the run, as a delivery that never comes does. */
export const burst: Scenario = {
  name: 'burst',
  metrics: flowMetrics('burst fan-out, many messages at once to all', {
    goals: { bare: 0.9, nchan: 10 },
    bareFigure: 2_500_000,
  }),
  open: (settings, stage) =>
    stage.openSides([startBareEdge, startOurs], (stack) => measure(stack, settings)),
};

function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  return measureFlow(stack, settings, {
    name: 'burst',
    connections: settings.subscribers,
    opening: stack.dialect.listen([CHANNEL]),
    // A request each: one that waits for its answer would hold back the next message.
    posters: settings.burstMessages,
    requests: [stack.dialect.publish(CHANNEL, DATA)],
    ahead: settings.burstMessages * settings.subscribers,
  });
}
