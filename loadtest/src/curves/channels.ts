/** Traffic spread over more and more channels. */

import type { Opening, Socket } from '../harness/dialect.js';
import type { Stack } from '../harness/stack.js';
import { DATA, numbered } from '../scenarios/load.js';
import { NATIVE_MARKER, subscribeFrame } from '../wires/wires.js';
import type { Curve } from './curve.js';
import { COST_LABEL, LINES, openDeliveries } from './delivery.js';

/** Open at every point, and from 10 channels on delivered to; of a single channel only its subscribers are. */
const SOCKETS = 1_000;
/** Of each channel, so that what a message costs is always shared by as many deliveries. */
const SUBSCRIBERS = 100;
const NAME = 'bench:curve';

export const channels: Curve = {
  name: 'channels',
  title: `Cost of a delivery by channels (${SUBSCRIBERS} subscribers each)`,
  x: { label: 'channels', log: true },
  y: { label: COST_LABEL, from: 0 },
  lines: LINES,
  flatness: 1.15,
  points: ({ curveChannels }) => [1, 10, 100, 1_000].filter((count) => count <= curveChannels),
  open: (settings) =>
    openDeliveries(settings, (stack, count) => {
      const names = numbered(NAME, count);
      return {
        opening: openingOf(stack, names),
        connections: SOCKETS,
        copies: SUBSCRIBERS,
        requests: names.map((name) => stack.dialect.publish(name, DATA)),
      };
    }),
};

/** The next hundred sockets for each channel, round and round: no socket has more than a hundred channels. */
function openingOf(stack: Stack, names: readonly string[]): Opening {
  const held = Array.from({ length: SOCKETS }, (): string[] => []);
  for (const [index, name] of names.entries()) {
    for (let seat = 0; seat < SUBSCRIBERS; seat += 1) {
      held[(index * SUBSCRIBERS + seat) % SOCKETS]?.push(name);
    }
  }
  const isOurs = stack.side === 'ours';
  return { marker: NATIVE_MARKER, sockets: held.map(isOurs ? ourSocket : bareSocket) };
}

function ourSocket(names: readonly string[]): Socket {
  const socket = { kind: 'ws', readyFrames: 1 + names.length, target: '/v1/ws' } as const;
  return names.length === 0 ? socket : { ...socket, hello: `[${names.map(subscribeFrame)}]` };
}

function bareSocket(names: readonly string[]): Socket {
  return { kind: 'ws', readyFrames: 0, target: `/topics/${names.join(',') || 'none'}` };
}
