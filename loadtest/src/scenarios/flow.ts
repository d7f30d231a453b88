/** Messages in a closed loop from POST to sockets: what the scenarios of fan-out share. */

import { type Opening, openingOptions } from '../harness/dialect.js';
import { runLoad } from '../harness/load.js';
import type { Other, Stack } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { refuseMissing, windowOptions } from './load.js';
import type { Metric, Sample } from './scenario.js';

export interface Flow {
  readonly name: string;
  readonly connections: number;
  readonly opening: Opening;
  readonly posters: number;
  /** Lines of the load client, used in turn. */
  readonly requests: readonly string[];
  /** Sockets that each message reaches; all, where nothing is said. */
  readonly copies?: number;
  /** Deliveries that may be missing when the next message goes out; half of one where nothing is said. */
  readonly ahead?: number;
}

export interface FlowGoal {
  /** Per edge core; the one beside the bare part for the whole rate too. */
  readonly goals?: Readonly<Partial<Record<Other, number>>>;
  /** Deliveries a second of the bare part. */
  readonly bareFigure?: number;
}

/** Of the samples of `measureFlow`. */
export function flowMetrics(what: string, { goals = {}, bareFigure }: FlowGoal): Metric[] {
  const shared = { better: 'more', unit: 'deliveries/s' } as const;
  // Peers are compared by what their edge takes: some of them have no api and no Redis to run beside it.
  const whole = {
    ...(goals.bare === undefined ? {} : { goals: { bare: goals.bare } }),
    ...(bareFigure === undefined ? {} : { bareFigure }),
  };
  return [
    { ...shared, key: 'perEdgeCore', what: `${what}, per edge core`, goals },
    { ...shared, key: 'perSecond', what, ...whole },
  ];
}

export async function measureFlow(
  stack: Stack,
  settings: BenchSettings,
  { name, opening, ...options }: Flow,
): Promise<Sample> {
  const { window, cpu } = await runLoad(stack, 'fanout', {
    ...windowOptions(settings),
    ...openingOptions(opening),
    ...options,
  });
  refuseMissing(name, stack.side, window.missing);
  const perSecond = window.deliveries / window.seconds;
  const detail = {
    ...window,
    frameBytes: window.deliveryBytes / window.deliveries,
    // Above 1: messages were joined in one write, which is another, cheaper case.
    messagesPerRead: window.deliveries / window.reads,
  };
  return { values: { perSecond, perEdgeCore: perSecond / (cpu['edge'] ?? 0) }, cpu, detail };
}
