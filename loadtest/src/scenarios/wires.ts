/** How the load client opens the wires of an edge, and what is a message on each. */

import type { LoadOptions } from '../harness/load.js';
import { subscribeFrame } from './load.js';
import { signTokens } from './tokens.js';

/** What `connections` clients ask for; `options` go to the load client. */
export interface Opening {
  readonly targets: string[];
  readonly options: LoadOptions;
}

export interface Wire {
  readonly name: string;
  readonly what: string;
  /** For messages to be pushed to all. */
  readonly channel: string;
  /** All on one channel, nameless. */
  listen(channel: string): Opening;
  /** As many clients as there are to be held, each as it would come. */
  hold(from: number, count: number): Opening;
}

const NATIVE_MARKER = '"type":"message"';
/** Nothing has been published: the position of somebody who has seen all of it. */
const NOTHING_SEEN = `0-${Date.now()}`;
const LONGEST_WAIT_SECONDS = 60;

export const websocket: Wire = {
  name: 'websocket',
  what: 'WebSocket with token, presence and one channel',
  channel: 'bench:fanout',
  listen: (channel) => ({
    targets: ['/v1/ws'],
    options: { hello: subscribeFrame(channel), 'ready-frames': 2 },
  }),
  hold(from, count) {
    const channel = 'held:memory';
    const tokens = signTokens(from + count, channel).slice(from);
    return {
      targets: tokens.map((token) => `/v1/ws?token=${token}`),
      options: { hello: subscribeFrame(channel), 'ready-frames': 2 },
    };
  },
};

/** An answer without end: `chunks` are sent before anything is published. */
function pushing(name: string, path: string, chunks: number): Wire {
  const listen = (channel: string) => ({
    targets: [`${path}?channel=${channel}`],
    options: { marker: NATIVE_MARKER, 'ready-frames': chunks },
  });
  return {
    name,
    what: `${name}, nameless, one channel`,
    channel: 'bench:fanout',
    listen,
    hold: () => listen('bench:memory'),
  };
}

export const sse = pushing('/v1/sse', '/v1/sse', 3);
export const stream = pushing('/v1/stream', '/v1/stream', 2);

/** With all that a user brings: a name, presence, a queue, and a cursor over both. */
export const namedSse: Wire = {
  ...sse,
  name: '/v1/sse named',
  what: '/v1/sse with token, presence and one channel',
  hold(from, count) {
    const channel = 'held:memory';
    const tokens = signTokens(from + count, channel).slice(from);
    return {
      targets: tokens.map((token) => `/v1/sse?channel=${channel}&token=${token}`),
      options: { marker: NATIVE_MARKER, 'ready-frames': 3 },
    };
  },
};

export const poll: Wire = {
  name: '/v1/poll',
  what: '/v1/poll, nameless, one channel',
  channel: 'bench:fanout',
  listen: (channel) => ({
    targets: [`/v1/poll?channel=${channel}&cursor=1~${NOTHING_SEEN}&wait=${LONGEST_WAIT_SECONDS}`],
    options: { marker: NATIVE_MARKER, 'ready-frames': 0 },
  }),
  hold: () => poll.listen('bench:memory'),
};

export const icometStream: Wire = {
  name: 'iComet /stream',
  what: 'iComet /stream, one channel',
  channel: 'icomet:fanout',
  listen: (channel) => ({
    targets: [`/stream?cname=${channel}&seq=0`],
    options: { marker: '"type":"data"', 'ready-frames': 1 },
  }),
  hold: () => icometStream.listen('icomet:memory'),
};

/** A port of its own; each client waits under a name of its own. */
export const megacomet: Wire = {
  name: 'MegaComet',
  what: 'parked request of MegaComet, a client each',
  channel: 'bench:fanout',
  listen: () => ({ targets: ['/nobody.js'], options: { marker: 'x', 'ready-frames': 0 } }),
  hold: (from, count) => ({
    targets: Array.from({ length: count }, (_, index) => `/c${from + index}.js`),
    options: { marker: 'x', 'ready-frames': 0 },
  }),
};
