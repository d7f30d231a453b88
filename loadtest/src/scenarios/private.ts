/** Private messages to many clients in turn: what reaching one of them costs. */

import { startBarePair } from '../harness/bare.js';
import { type Opening, postRequest } from '../harness/dialect.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { listenPrivately } from '../wires/wires.js';
import { flowMetrics, measureFlow } from './flow.js';
import { DATA, numbered } from './load.js';
import type { Sample, Scenario } from './scenario.js';

/** The bare part has a topic for each client. */
export const privately: Scenario = {
  name: 'private',
  metrics: flowMetrics('private messages to 10,000 clients', {}),
  roundsMax: 3,
  open: (settings, stage) =>
    stage.openSides([startBarePair, startOurs], (stack) => measure(stack, settings)),
};

function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { posters, privateClients: connections } = settings;
  // Names of this round's own: what the last one's clients have not acknowledged waits for them.
  const names = numbered(`private-${Date.now()}`, connections);
  return measureFlow(stack, settings, {
    name: 'private',
    connections,
    opening: stack.side === 'ours' ? listenPrivately(names) : bareOpening(stack, names),
    posters,
    requests: names.map((name) => postRequest(`/clients/${name}/messages`, { data: DATA })),
    copies: 1,
    ahead: posters,
  });
}

function bareOpening({ dialect }: Stack, names: readonly string[]): Opening {
  return { ...dialect.listen(names), marker: '"type":"private"' };
}
