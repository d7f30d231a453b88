/** Larger and larger messages to the same sockets. */

import type { Curve } from './curve.js';
import { COST_LABEL, LINES, openDeliveries } from './delivery.js';

const CHANNEL = 'bench:bytes';
const SUBSCRIBERS = 100;
const SIZES_BYTES = [64, 512, 4_096, 16_384, 65_536] as const;
const QUOTES_BYTES = 2;

export const bytes: Curve = {
  name: 'bytes',
  title: `Cost of a delivery by bytes of the data (${SUBSCRIBERS} subscribers)`,
  x: { label: 'bytes of the data', log: true, ticks: SIZES_BYTES },
  y: { label: COST_LABEL, log: true },
  lines: LINES,
  points: () => SIZES_BYTES,
  open: (settings) =>
    openDeliveries(settings, (stack, sizeBytes) => ({
      opening: stack.dialect.listen([CHANNEL]),
      connections: SUBSCRIBERS,
      copies: SUBSCRIBERS,
      requests: [stack.dialect.publish(CHANNEL, 'x'.repeat(sizeBytes - QUOTES_BYTES))],
    })),
};
