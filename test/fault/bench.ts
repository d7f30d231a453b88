/** A world with its front, for the tests of one file. */

import { afterAll, beforeAll } from 'vitest';
import { running } from './faults/fleet.js';
import { Front } from './front.js';
import type { World } from './world.js';

/** Of six processes, one after another, each with a deadline of its own. */
const START_DEADLINE_MS = 120_000;

export interface Bench {
  readonly world: World;
  readonly front: Front;
}

/** Valid while the tests run. */
export function useWorld(start: () => Promise<World>): Bench {
  let parts: { world: World; front: Front } | undefined;
  const started = () => {
    if (parts === undefined) throw new Error('the world is not there');
    return parts;
  };
  beforeAll(async () => {
    const world = await start();
    const front = await Front.open(() => running(world.fleet.edges));
    parts = { world, front };
  }, START_DEADLINE_MS);
  afterAll(async () => {
    await parts?.front.stop();
    await parts?.world.stop();
  }, START_DEADLINE_MS);
  return {
    get world() {
      return started().world;
    },
    get front() {
      return started().front;
    },
  };
}
