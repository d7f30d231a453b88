/** The edge is killed and started again under all its clients, who come back at once with their positions. */

import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startBareEdge } from '../harness/bare.js';
import type { CpuShares } from '../harness/load.js';
import { NativeCrowd, type NativeCrowdStatus } from '../harness/native-crowd.js';
import { startApi } from '../harness/ours.js';
import { RestartableEdge } from '../harness/restartable-edge.js';
import { type Measured, type Stack, Stoppables } from '../harness/stack.js';
import { monotonicUs, Sender } from '../million/sender.js';
import { type CommandCalls, callsOf, callsSince } from '../redis-calls.js';
import type { BenchSettings } from '../settings.js';
import { numbered } from './load.js';
import type { Sample, Scenario, Sides } from './scenario.js';

const CHANNELS = numbered('crowd:storm', 10);
/** Below what the accept queue takes (512 in uWebSockets.js): a SYN that is dropped comes again after 1 s. */
const OPENING_MAX = 400;
/** The storm is what is measured, not the fan-out. */
const PUBLISH_INTERVAL_MS = 1_000;
/** An edge that is busy with connects has messages refused, which a backend would send again. */
const SETTINGS = { HALLEY_OVERLOAD_LAG_MS: '60000' };
const LOOK_INTERVAL_MS = 20;
const DEADLINE_MS = 120_000;

export const reconnectStorm: Scenario = {
  name: 'reconnect-storm',
  metrics: [
    {
      key: 'perSecond',
      what: 'reconnects with resume, all at once (bare: connects)',
      unit: 'connects/s',
      better: 'more',
      goals: { bare: 0.5 },
    },
  ],
  roundsMax: 3,
  open,
};

async function open({ stormClients }: BenchSettings): Promise<Sides> {
  const all = new Stoppables();
  const bare = await all.add(startBareEdge());
  const storm = await startStorm(all, stormClients);
  return {
    names: ['bare', 'ours'],
    measure: (side) => (side === 'bare' ? connectAll(bare, stormClients) : storm()),
    stop: () => all.stop(),
  };
}

/** All at once to uWebSockets.js alone, which reads and says nothing. */
async function connectAll(bare: Stack, count: number): Promise<Sample> {
  const options = { wire: 'bare', index: 1, first: 0, count, channels: CHANNELS } as const;
  const crowd = await NativeCrowd.start(options);
  try {
    const watch = new Watch([...bare.processes, crowd]);
    crowd.open(bare.wsPort, count, OPENING_MAX);
    const { readyUs } = await until(crowd, 0, ({ ready }) => ready === count);
    const seconds = (readyUs - watch.beganUs) / 1e6;
    const values = { perSecond: count / seconds };
    return { values, cpu: watch.shares(), detail: { seconds } };
  } finally {
    await crowd.stop();
  }
}

/** Connects the clients. @returns a round */
async function startStorm(all: Stoppables, count: number): Promise<() => Promise<Sample>> {
  const { api, redis, env } = await startApi(all, SETTINGS);
  const edge = await all.add(RestartableEdge.start(env));
  const port = Number(new URL(edge.url).port);
  const options = { wire: 'ws', index: 0, first: 0, count, channels: CHANNELS } as const;
  const crowd = await all.add(NativeCrowd.start(options));
  const asking = new Redis(redis.url);
  await all.add(Promise.resolve({ stop: async () => asking.disconnect() }));
  const sender = new Sender(api.port);
  crowd.open(port, count, OPENING_MAX);
  await until(crowd, 0, ({ ready }) => ready === count);
  await sender.toAll(CHANNELS);
  return async () => {
    crowd.letGo();
    edge.kill();
    await edge.restart();
    await until(crowd, 0, ({ ready }) => ready === 0);
    const publishing = new Publishing(sender);
    const calls = await callsOf(asking);
    crowd.watch();
    const watch = new Watch([edge, api, redis, crowd]);
    crowd.comeBack(port, OPENING_MAX);
    let back: NativeCrowdStatus;
    try {
      back = await until(crowd, 0, ({ ready }) => ready === count);
    } finally {
      await publishing.stop();
    }
    const cpu = watch.shares();
    await sender.toAll(CHANNELS);
    const { resumed } = await until(crowd, sender.number, ({ through }) => through === count);
    const seconds = (back.readyUs - watch.beganUs) / 1e6;
    const redisCalls = await callsSince(asking, calls);
    const values = { perSecond: count / seconds, ...readsOf(redisCalls, count) };
    return { values, cpu, detail: { seconds, resumed, redisCalls, messages: sender.number } };
  };
}

/** Messages to all channels until it is stopped. */
class Publishing {
  readonly #done: Promise<void>;
  #isOver = false;

  constructor(sender: Sender) {
    this.#done = this.#run(sender);
    // Whoever stops it hears of a failure.
    this.#done.catch(() => undefined);
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#done;
  }

  async #run(sender: Sender): Promise<void> {
    while (!this.#isOver) {
      await sender.toAll(CHANNELS);
      await pause(PUBLISH_INTERVAL_MS);
    }
  }
}

class Watch {
  readonly beganUs = monotonicUs();
  readonly #before: ReadonlyMap<Measured, number>;

  constructor(processes: readonly Measured[]) {
    this.#before = new Map(processes.map((one) => [one, one.cpuSeconds()]));
  }

  /** Until now, of one core. */
  shares(): CpuShares {
    const seconds = (monotonicUs() - this.beganUs) / 1e6;
    const entries = [...this.#before].map(
      ([one, before]) => [one.name, (one.cpuSeconds() - before) / seconds] as const,
    );
    return Object.fromEntries(entries);
  }
}

/** @throws Error if anything was lost, repeated or refused, or if it takes too long */
async function until(
  crowd: NativeCrowd,
  number: number,
  isDone: (status: NativeCrowdStatus) => boolean,
): Promise<NativeCrowdStatus> {
  const endUs = monotonicUs() + DEADLINE_MS * 1_000;
  for (;;) {
    const status = await crowd.status(number);
    const faults = JSON.stringify(status.faults);
    if (faults !== '{}') throw new Error(`reconnect-storm: ${faults}`);
    if (isDone(status)) return status;
    if (monotonicUs() > endUs)
      throw new Error(`reconnect-storm: it takes too long: ${JSON.stringify(status)}`);
    await pause(LOOK_INTERVAL_MS);
  }
}

/** Calls that grow with the clients, and reads that must not: a connect reads the client's own queue once. */
function readsOf(calls: CommandCalls, clients: number): Record<string, number> {
  const ranges = (calls['xrange'] ?? 0) + (calls['xrevrange'] ?? 0);
  return {
    scriptsPerClient: (calls['evalsha'] ?? 0) / clients,
    logReadsPerChannel: (ranges - clients) / CHANNELS.length,
  };
}
