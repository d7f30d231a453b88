/** What an edge pays for one delivery, while messages flow as in `fanout`. */

import { startBarePair } from '../harness/bare.js';
import { type Opening, openingOptions } from '../harness/dialect.js';
import { runLoad, type Window } from '../harness/load.js';
import type { LoadOptions } from '../harness/load-options.js';
import { startOurs } from '../harness/ours.js';
import { quiet } from '../harness/quiet.js';
import { type Stack, Stoppables } from '../harness/stack.js';
import { refuseMissing } from '../scenarios/load.js';
import type { BenchSettings } from '../settings.js';
import type { CurveLine, CurveSample, CurveSides } from './curve.js';

export const COST_LABEL = 'edge CPU per delivery, microseconds';
export const LINES: readonly CurveLine[] = [
  { name: 'Halley', side: 'ours', key: 'edge' },
  { name: 'bare uWebSockets.js', side: 'bare', key: 'edge' },
];

export interface Flow {
  readonly opening: Opening;
  readonly connections: number;
  /** Deliveries of each message. */
  readonly copies: number;
  readonly requests: readonly string[];
}

/** Ours and the bare pair side by side: api, Redis and edge each, so that the edge does the same work. */
export async function openDeliveries(
  settings: BenchSettings,
  flowOf: (stack: Stack, x: number) => Flow,
): Promise<CurveSides> {
  const all = new Stoppables();
  const stacks = {
    bare: await all.add(startBarePair()),
    ours: await all.add(startOurs()),
  };
  return {
    async measure(side, x) {
      const stack = stacks[side];
      const sample = await measureDelivery(stack, settings, flowOf(stack, x));
      // Thousands of connections that were closed are work too.
      await quiet(stack.processes);
      return sample;
    },
    stop: () => all.stop(),
  };
}

async function measureDelivery(
  stack: Stack,
  settings: BenchSettings,
  { opening, connections, copies, requests }: Flow,
): Promise<CurveSample> {
  const { window, cpu } = await runLoad(stack, 'fanout', {
    ...curveOptions(settings),
    ...openingOptions(opening),
    connections,
    copies,
    posters: 4,
    requests,
  });
  refuseFaults(stack, window);
  const perSecond = window.deliveries / window.seconds;
  return { costs: { edge: ((cpu['edge'] ?? 0) * 1e6) / perSecond }, cpu, window };
}

/** @throws Error where a delivery never came, or none came in the window: nothing has no cost */
export function refuseFaults({ side }: Stack, { missing, deliveries }: Window): void {
  refuseMissing('curve', side, missing);
  if (deliveries === 0) throw new Error(`curve, ${side}: nothing was delivered in the window`);
}

export function curveOptions({ curveMs }: BenchSettings): LoadOptions {
  return { 'warm-ms': Math.round(curveMs / 2), 'measure-ms': curveMs };
}
