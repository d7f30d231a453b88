/** Stacks that stay up for all rounds of a scenario, and for the next one where it wants the same. */

import { quiet } from '../harness/quiet.js';
import { type Stack, Stoppables } from '../harness/stack.js';
import type { Sample, Sides, Stage } from './scenario.js';

type Start = () => Promise<Stack>;

export class SharedStage implements Stage {
  #starts: readonly Start[] = [];
  #stacks: readonly Stack[] = [];
  #all = new Stoppables();

  /** All keep running, those that are not measured without load. */
  async openSides(
    starts: readonly Start[],
    measure: (stack: Stack) => Promise<Sample>,
  ): Promise<Sides> {
    const stacks = await this.#stacksOf(starts);
    return {
      names: stacks.map(({ side }) => side),
      async measure(side) {
        const stack = stacks.find((one) => one.side === side);
        if (stack === undefined) throw new Error(`no side ${side}`);
        const sample = await measure(stack);
        // What the load left behind must not take the next side's processor.
        await quiet(stack.processes);
        return sample;
      },
      stop: async () => undefined,
    };
  }

  async stop(): Promise<void> {
    this.#starts = [];
    await this.#all.stop();
  }

  async #stacksOf(starts: readonly Start[]): Promise<readonly Stack[]> {
    const isSame = starts.every((start, at) => start === this.#starts[at]);
    if (isSame && starts.length === this.#starts.length) return this.#stacks;
    await this.stop();
    this.#stacks = await this.#all.addAll(starts.map((start) => start()));
    this.#starts = starts;
    return this.#stacks;
  }
}

/** On a stage of their own. */
export async function openSides(
  starts: readonly Start[],
  measure: (stack: Stack) => Promise<Sample>,
): Promise<Sides> {
  const stage = new SharedStage();
  const sides = await stage.openSides(starts, measure);
  return { ...sides, stop: () => stage.stop() };
}
