/** Stacks that stay up for all rounds of a scenario, and for the next one where it wants them too. */

import { quiet } from '../harness/quiet.js';
import type { Stack } from '../harness/stack.js';
import type { Sample, Sides, Stage } from './scenario.js';

type Start = () => Promise<Stack>;

export class SharedStage implements Stage {
  readonly #running = new Map<Start, Stack>();

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
    await this.#stopBut([]);
  }

  /** Where one fails to start, `stop` is left to stop the others. */
  async #stacksOf(starts: readonly Start[]): Promise<readonly Stack[]> {
    await this.#stopBut(starts);
    const outcomes = await Promise.allSettled(starts.map((start) => this.#stackOf(start)));
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  async #stackOf(start: Start): Promise<Stack> {
    const stack = this.#running.get(start) ?? (await start());
    this.#running.set(start, stack);
    return stack;
  }

  async #stopBut(starts: readonly Start[]): Promise<void> {
    for (const [start, stack] of this.#running) {
      if (starts.includes(start)) continue;
      this.#running.delete(start);
      await stack.stop();
    }
  }
}

/** On a stage of their own. */
export async function openSides(
  starts: readonly Start[],
  measure: (stack: Stack) => Promise<Sample>,
): Promise<Sides> {
  const stage = new SharedStage();
  try {
    const sides = await stage.openSides(starts, measure);
    return { ...sides, stop: () => stage.stop() };
  } catch (error) {
    await stage.stop();
    throw error;
  }
}
