/** Two stacks that stay up for all rounds of a scenario. */

import { type Stack, Stoppables } from '../harness/stack.js';
import type { Sample, Sides } from './scenario.js';

/** Both keep running, the one that is not measured without load. */
export async function openSides(
  startBare: () => Promise<Stack>,
  startOurs: () => Promise<Stack>,
  measure: (stack: Stack) => Promise<Sample>,
): Promise<Sides> {
  const all = new Stoppables();
  const bare = await all.add(startBare());
  const ours = await all.add(startOurs());
  return {
    measure: (side) => measure(side === 'bare' ? bare : ours),
    stop: () => all.stop(),
  };
}
