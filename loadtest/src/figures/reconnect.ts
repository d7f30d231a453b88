/** The only edge dies under thousands of SDK clients and comes back: how they arrive there. */

import { setTimeout as pause } from 'node:timers/promises';
import { Crowd } from '../harness/crowd.js';
import { startApi } from '../harness/ours.js';
import { RestartableEdge } from '../harness/restartable-edge.js';
import { BEARER } from '../harness/secrets.js';
import { type Measured, Stoppables } from '../harness/stack.js';
import { CpuWatch } from '../sdk/cpu-watch.js';
import { NumberPublisher } from '../sdk/publisher.js';
import type { BenchSettings } from '../settings.js';
import type { Figure, FigureResult } from './figure.js';
import { resultOf, type Times } from './reconnect-result.js';

const CHANNELS = 50;
/** Each channel has a message a second: the storm is what is measured, not the fan-out. */
const INTERVAL_MS = 1_000 / CHANNELS;
/** Longer than the SDK wants a connection to hold before it counts as one that works. */
const HOLD_MS = 6_000;
/** Messages go on for as long after the last one is back. */
const AFTER_MS = 3_000;
const PHASE_DEADLINE_MS = 40_000;
/** The SDK's longest wait between two attempts is 30 s. */
const RETURN_DEADLINE_MS = 60_000;

export const reconnect: Figure = { name: 'reconnect', measure };

async function measure({ sdkClients }: BenchSettings): Promise<FigureResult> {
  const all = new Stoppables();
  try {
    const { api, redis, env } = await startApi(all);
    const edge = await all.add(RestartableEdge.start(env));
    const names = Array.from({ length: CHANNELS }, (_, index) => `sdk:reconnect-${index}`);
    const channels = Array.from({ length: sdkClients }, (_, at) => names[at % CHANNELS] as string);
    const crowd = await all.add(Crowd.start({ url: edge.url, channels }));
    await crowd.until(
      'all are subscribed',
      PHASE_DEADLINE_MS,
      (statuses) => statuses.reduce((sum, { subscribed }) => sum + subscribed, 0) === crowd.size,
    );
    const options = { port: api.port, bearer: BEARER, channels: names, intervalMs: INTERVAL_MS };
    const publisher = new NumberPublisher(options);
    let times: Times;
    let last: number;
    try {
      times = await restartUnder(crowd, edge, [api, redis]);
    } finally {
      last = await publisher.stop();
    }
    await crowd.until('the last number has come to all', PHASE_DEADLINE_MS, (statuses) =>
      statuses.every(({ through }) => through >= last),
    );
    return resultOf({ clients: crowd.size, last, ...times }, await crowd.reports());
  } finally {
    await all.stop();
  }
}

async function restartUnder(
  crowd: Crowd,
  edge: RestartableEdge,
  servers: readonly Measured[],
): Promise<Times> {
  await pause(HOLD_MS);
  const cpu = new CpuWatch([crowd, ...servers], [edge]);
  const killedMs = edge.kill();
  const listeningMs = await edge.restart();
  await crowd.until(
    'all are connected again',
    RETURN_DEADLINE_MS,
    (statuses) => statuses.reduce((sum, { returned }) => sum + returned, 0) === crowd.size,
  );
  const cores = cpu.end();
  await pause(AFTER_MS);
  return { killedMs, listeningMs, cores };
}
