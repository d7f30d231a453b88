/** Clients that come, stay for a while and leave, as a fault that is none. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../kit/random.js';
import { BUSY, QUIET } from './crew.js';
import { running } from './faults/fleet.js';
import type { Front } from './front.js';
import type { History } from './history.js';
import type { MemoryLog } from './memory.js';
import { NativeSubscriber } from './subscribers/native.js';
import { PollSubscriber } from './subscribers/poll.js';
import { PushSubscriber } from './subscribers/push.js';
import type { Patience, Subscriber, SubscriberOptions } from './subscribers/recorder.js';
import type { Fault, World } from './world.js';

const STAY_MIN_MS = 500;
const STAY_MAX_MS = 10_000;
const SAMPLE_MS = 5_000;

const KINDS: readonly ((options: SubscriberOptions) => Subscriber)[] = [
  (options) => new NativeSubscriber(options),
  (options) => new PushSubscriber(options, '/v1/sse'),
  (options) => new PushSubscriber(options, '/v1/stream'),
  (options) => new PollSubscriber(options),
];

export interface ChurnOptions {
  readonly history: () => History;
  readonly front: Front;
  readonly patience: Patience;
  readonly memory: MemoryLog;
  readonly lengthMs: number;
  /** Clients at a time. */
  readonly width: number;
}

export function churn(options: ChurnOptions): Fault {
  return {
    name: 'churn',
    isOutsideRedis: true,
    inject: async (world, random) => {
      const untilMs = performance.now() + options.lengthMs;
      const lanes = Array.from({ length: options.width }, (_, lane) =>
        comeAndGo(options, random, lane, untilMs),
      );
      await Promise.all([...lanes, sample(options.memory, world, untilMs)]);
    },
  };
}

async function comeAndGo(
  { history, front, patience }: ChurnOptions,
  random: Random,
  lane: number,
  untilMs: number,
): Promise<void> {
  for (let visit = 0; performance.now() < untilMs; visit += 1) {
    const name = `visitor${lane}-${visit}`;
    const channels = [random.pick(BUSY), random.pick(QUIET)];
    const named = random.chance(0.5) ? { clientId: name } : {};
    const options = { history: history(), name, url: front.url, channels, patience, ...named };
    const visitor = random.pick(KINDS)(options);
    await pause(random.int(STAY_MIN_MS, STAY_MAX_MS));
    await visitor.stop();
    history().add({ kind: 'left', subscriber: name, connection: 0 });
  }
}

async function sample(memory: MemoryLog, { fleet }: World, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    memory.take([...running(fleet.edges), ...running(fleet.apis)]);
    await pause(SAMPLE_MS);
  }
}
