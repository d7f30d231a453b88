/** Stacks that stay up for all rounds of a scenario. */

import { type Stack, Stoppables } from '../harness/stack.js';
import type { Sample, Sides } from './scenario.js';

/** All keep running, those that are not measured without load. */
export async function openSides(
  starts: readonly (() => Promise<Stack>)[],
  measure: (stack: Stack) => Promise<Sample>,
): Promise<Sides> {
  const all = new Stoppables();
  const stacks: Stack[] = [];
  for (const start of starts) stacks.push(await all.add(start()));
  return {
    names: stacks.map(({ side }) => side),
    measure(side) {
      const stack = stacks.find((one) => one.side === side);
      if (stack === undefined) throw new Error(`no side ${side}`);
      return measure(stack);
    },
    stop: () => all.stop(),
  };
}
