/** Messages to many channels of few connections: what a channel costs on the way. */

import { startBarePair } from '../harness/bare.js';
import { startOurs } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { flowMetrics, measureFlow } from './flow.js';
import { DATA, numbered } from './load.js';
import type { Sample, Scenario } from './scenario.js';

export const channels: Scenario = {
  name: 'channels',
  metrics: flowMetrics('1,000 channels of 10', {}),
  roundsMax: 3,
  open: (settings, stage) =>
    stage.openSides([startBarePair, startOurs], (stack) => measure(stack, settings)),
};

function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { posters, channels: count, channelSubscribers: copies } = settings;
  const names = numbered('bench:channels', count);
  return measureFlow(stack, settings, {
    name: 'channels',
    connections: count * copies,
    opening: stack.dialect.listen(names),
    posters,
    requests: names.map((name) => stack.dialect.publish(name, DATA)),
    copies,
    // A message for each poster: the next ones are for other channels, so none are joined.
    ahead: posters * copies,
  });
}
