/** Which faults come, and in which order: the same for the same seed. */

import { Random } from '../kit/random.js';
import type { Fault } from './world.js';

/** So many faults, each once before any comes again. */
export function scheduleOf(faults: readonly Fault[], seed: number, count: number): Fault[] {
  const random = new Random(seed);
  const chosen: Fault[] = [];
  let rest: Fault[] = [];
  while (chosen.length < count && faults.length > 0) {
    if (rest.length === 0) rest = [...faults];
    chosen.push(...rest.splice(random.int(0, rest.length - 1), 1));
  }
  return chosen;
}

/** Both at once. */
export function together(one: Fault, other: Fault): Fault {
  return {
    name: `${one.name} + ${other.name}`,
    isOutsideRedis: one.isOutsideRedis === true && other.isOutsideRedis === true,
    inject: async (world, random) => {
      const ends = [one, other].map(({ inject }) => inject(world, random));
      await Promise.all(ends);
    },
  };
}
