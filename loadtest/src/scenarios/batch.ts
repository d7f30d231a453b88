/** POST of a thousand messages in one request: what a message costs where nothing else does. */

import { startBareApi } from '../harness/bare.js';
import { postRequest } from '../harness/dialect.js';
import { runLoad } from '../harness/load.js';
import { startOurApi } from '../harness/ours.js';
import type { Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { DATA, numbered, windowOptions } from './load.js';
import type { Sample, Scenario } from './scenario.js';

export const batch: Scenario = {
  name: 'batch',
  metrics: [
    {
      key: 'messagesPerSecond',
      what: 'POST in batches, a channel each',
      unit: 'messages/s',
      better: 'more',
      goals: { bare: 0.7 },
      bound: 100_000,
    },
  ],
  open: (settings, stage) =>
    stage.openSides([startBareApi, startOurApi], (stack) => measure(stack, settings)),
};

async function measure(stack: Stack, settings: BenchSettings): Promise<Sample> {
  const { batchMessages, batchPosters } = settings;
  const names = numbered('bench:batch', batchMessages);
  const messages = names.map((channel) => ({ channel, data: DATA }));
  const { window, cpu } = await runLoad(stack, 'post', {
    ...windowOptions(settings),
    posters: batchPosters,
    requests: [postRequest('/messages', { messages })],
    // An answer of 200 may hold refusals: each message has to have its id.
    item: '"id":',
    items: batchMessages,
  });
  const messagesPerSecond = (window.posts * batchMessages) / window.seconds;
  return { values: { messagesPerSecond }, cpu, detail: window };
}
