/** How the load client opens the wires of an edge, and what is a message on each. */

import type { Opening, Socket } from '../harness/dialect.js';
import { signFor, signTokens } from './tokens.js';

export interface Wire {
  readonly name: string;
  readonly what: string;
  /** For messages to be pushed to all. */
  readonly channel: string;
  /** Nameless, one for each channel. */
  listen(channels: readonly string[]): Opening;
  /** As many clients as there are to be held, each as it would come. */
  hold(from: number, count: number): Opening;
}

export const NATIVE_MARKER = '"type":"message"';
/** Nothing has been published: the position of somebody who has seen all of it. */
const NOTHING_SEEN = `0-${Date.now()}`;
const LONGEST_WAIT_SECONDS = 60;
const HELD_CHANNEL = 'held:memory';

export function subscribeFrame(channel: string): string {
  return JSON.stringify({ type: 'subscribe', ref: 1, channel });
}

/** A client each, with a right to the channel. */
function named(from: number, count: number, socketOf: (token: string) => Socket): Opening {
  const tokens = signTokens(from + count, HELD_CHANNEL).slice(from);
  return { marker: NATIVE_MARKER, sockets: tokens.map(socketOf) };
}

export const websocket: Wire = {
  name: 'websocket',
  what: 'WebSocket with token, presence and one channel',
  channel: 'bench:fanout',
  listen: (channels) => ({
    marker: NATIVE_MARKER,
    sockets: channels.map((channel) => ({
      kind: 'ws',
      readyFrames: 2,
      target: '/v1/ws',
      hello: subscribeFrame(channel),
    })),
  }),
  hold: (from, count) =>
    named(from, count, (token) => ({
      kind: 'ws',
      readyFrames: 2,
      target: `/v1/ws?token=${token}`,
      hello: subscribeFrame(HELD_CHANNEL),
    })),
};

/** A socket for each client, which subscribes to nothing. */
export function listenPrivately(clients: readonly string[]): Opening {
  const sockets = clients.map(
    (client): Socket => ({
      kind: 'ws',
      readyFrames: 1,
      target: `/v1/ws?token=${signFor(client, HELD_CHANNEL)}`,
    }),
  );
  return { marker: '"type":"private"', sockets };
}

/** An answer without end. @param readyFrames chunks before anything is published */
function pushing(name: string, path: string, readyFrames: number): Wire {
  const listen = (channels: readonly string[]): Opening => ({
    marker: NATIVE_MARKER,
    sockets: channels.map((channel) => ({
      kind: 'stream',
      readyFrames,
      target: `${path}?channel=${channel}`,
    })),
  });
  return {
    name,
    what: `${name}, nameless, one channel`,
    channel: 'bench:fanout',
    listen,
    hold: () => listen(['bench:memory']),
  };
}

export const sse = pushing('/v1/sse', '/v1/sse', 3);
export const stream = pushing('/v1/stream', '/v1/stream', 2);

/** With all that a user brings: a name, presence, a queue, and a cursor over both. */
export const namedSse: Wire = {
  ...sse,
  name: '/v1/sse named',
  what: '/v1/sse with token, presence and one channel',
  hold: (from, count) =>
    named(from, count, (token) => ({
      kind: 'stream',
      readyFrames: 3,
      target: `/v1/sse?channel=${HELD_CHANNEL}&token=${token}`,
    })),
};

export const poll: Wire = {
  name: '/v1/poll',
  what: '/v1/poll, nameless, one channel',
  channel: 'bench:fanout',
  listen: (channels) => polls(channels, LONGEST_WAIT_SECONDS),
  /** Parked at once. */
  hold: () => ({
    marker: NATIVE_MARKER,
    sockets: [
      {
        kind: 'poll',
        readyFrames: 0,
        target: `/v1/poll?channel=bench:memory&cursor=1~${NOTHING_SEEN}&wait=${LONGEST_WAIT_SECONDS}`,
      },
    ],
  }),
};

/** The first answer gives the cursor, the next ones come with a message or after the wait. */
export function polls(channels: readonly string[], waitSeconds: number): Opening {
  return {
    marker: NATIVE_MARKER,
    sockets: channels.map((channel) => ({
      kind: 'poll',
      readyFrames: 1,
      target: `/v1/poll?channel=${channel}&wait=${waitSeconds}`,
    })),
  };
}

export const icometStream: Wire = {
  name: 'iComet /stream',
  what: 'iComet /stream, one channel',
  channel: 'icomet:fanout',
  listen: (channels) => ({
    marker: '"type":"data"',
    sockets: channels.map((channel) => ({
      kind: 'stream',
      readyFrames: 1,
      target: `/stream?cname=${channel}&seq=0`,
    })),
  }),
  hold: () => icometStream.listen(['icomet:memory']),
};

/** A port of its own; each client waits under a name of its own. */
export const megacomet: Wire = {
  name: 'MegaComet',
  what: 'parked request of MegaComet, a client each',
  channel: 'bench:fanout',
  listen: () => parked(0, 1),
  hold: parked,
};

function parked(from: number, count: number): Opening {
  const sockets = Array.from(
    { length: count },
    (_, index): Socket => ({ kind: 'stream', readyFrames: 0, target: `/c${from + index}.js` }),
  );
  return { marker: NATIVE_MARKER, sockets };
}
