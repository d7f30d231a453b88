/** More and more connections of one edge, all of which are delivered to. */

import { DATA, numbered } from '../scenarios/load.js';
import type { BenchSettings } from '../settings.js';
import type { Curve } from './curve.js';
import { COST_LABEL, LINES, openDeliveries } from './delivery.js';

/** Of a channel's subscribers. Messages go to one channel after the other, each to as many sockets. */
const STEPS = [1, 5, 10, 19] as const;
const STEPS_MAX = 19;
const NAME = 'bench:crowd';

export const connections: Curve = {
  name: 'connections',
  title: 'Cost of a delivery by connections of one edge',
  x: { label: 'connections' },
  y: { label: COST_LABEL, from: 0 },
  lines: LINES,
  flatness: 1.15,
  points: (settings) => STEPS.map((step) => step * subscribersOf(settings)),
  open: (settings) =>
    openDeliveries(settings, (stack, count) => {
      const copies = subscribersOf(settings);
      const names = numbered(NAME, count / copies);
      return {
        opening: stack.dialect.listen(names),
        connections: count,
        copies,
        requests: names.map((name) => stack.dialect.publish(name, DATA)),
      };
    }),
};

/** Of each channel. */
function subscribersOf({ curveConnections }: BenchSettings): number {
  return Math.floor(curveConnections / STEPS_MAX);
}
