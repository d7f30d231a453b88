/** What an edge keeps for a connection that does nothing: growth of its resident memory. */

import { setTimeout as pause } from 'node:timers/promises';
import { startBareEdge } from '../harness/bare.js';
import { type Opening, openingOptions } from '../harness/dialect.js';
import { LoadClient } from '../harness/load.js';
import { type Ours, startOurs } from '../harness/ours.js';
import type { Memory, Resident } from '../harness/resident.js';
import type { Side, Stack } from '../harness/stack.js';
import { peers } from '../peers/index.js';
import type { BenchSettings } from '../settings.js';
import {
  icometStream,
  megacomet,
  namedSse,
  poll,
  sse,
  type Wire,
  websocket,
} from '../wires/wires.js';
import type { Sample, Scenario } from './scenario.js';

/** Connections before the first look, so that code and pools that any use brings are not counted. */
const WARM_SHARE = 0.1;
const SETTLED_BYTES = 64 * 1024;
const SETTLE_INTERVAL_MS = 200;
const LOOKS_MAX = 25;
/** Peers know no tokens: one channel is all that their sockets bring. */
const PEER_CHANNEL = 'bench:memory';

type Held = Stack & { readonly edge: Resident };

/** The bare part is uWS with WebSockets, or with requests that it does not answer. */
function memoryOver(name: string, wire: Wire, bound: number): Scenario {
  return {
    name,
    metrics: [
      {
        key: 'kilobytes',
        what: `memory per idle connection: ${wire.what}`,
        unit: 'KB',
        better: 'less',
        bareFigure: 1.1,
        bound,
      },
    ],
    // Every look needs a fresh process: what one round has freed would hide what the next one takes.
    open: async (settings) => ({
      names: ['bare', 'ours', ...(wire === websocket ? peers(settings).keys() : [])],
      measure: (side) => measure(side, wire, settings),
      stop: async () => undefined,
    }),
  };
}

export const memory = memoryOver('memory', websocket, 2.0);
export const memoryWires: readonly Scenario[] = [
  memoryOver('memory-sse', sse, 2.0),
  memoryOver('memory-sse-named', namedSse, 2.7),
  memoryOver('memory-poll', poll, 2.0),
  memoryOver('memory-icomet', icometStream, 2.0),
  memoryOver('memory-megacomet', megacomet, 1.0),
];

async function measure(side: Side, wire: Wire, settings: BenchSettings): Promise<Sample> {
  const { connections } = settings;
  const stack = await startSide(side, settings);
  const warm = Math.ceil(connections * WARM_SHARE);
  const isOurs = side === 'ours';
  const port = isOurs && wire === megacomet ? (stack as Ours).megacometPort : stack.wsPort;
  const openingOf = (from: number, count: number): Opening => {
    if (isOurs) return wire.hold(from, count);
    return side === 'bare' ? bareOpening(wire) : stack.dialect.listen([PEER_CHANNEL]);
  };
  const open = (from: number, count: number, look: () => Promise<Sample>) =>
    hold(stack, port, count, openingOf(from, count), look);
  try {
    return await open(0, warm, async () => {
      const before = await settledMemory(stack.edge);
      return open(warm, connections, async () => {
        const after = await settledMemory(stack.edge);
        return sampleOf(before, after, connections);
      });
    });
  } finally {
    await stack.stop();
  }
}

async function startSide(side: Side, settings: BenchSettings): Promise<Held> {
  if (side === 'bare') return startBareEdge();
  if (side === 'ours') return startOurs();
  const start = peers(settings).get(side);
  if (start === undefined) throw new Error(`no side ${side}`);
  return start();
}

function bareOpening(wire: Wire): Opening {
  const socket =
    wire === websocket
      ? ({ kind: 'ws', readyFrames: 0, target: '/held' } as const)
      : ({ kind: 'stream', readyFrames: 0, target: '/parked' } as const);
  return { marker: wire.name, sockets: [socket] };
}

/** Runs `look` while the connections are open. */
async function hold<T>(
  stack: Stack,
  port: number,
  connections: number,
  opening: Opening,
  look: () => Promise<T>,
): Promise<T> {
  const held = { ...stack, wsPort: port };
  const client = await LoadClient.start(held, 'hold', {
    ...openingOptions(opening),
    connections,
  });
  try {
    await client.event('opened');
    await client.event('ready');
    return await look();
  } finally {
    await client.stop();
  }
}

/** The first look after which memory stands still: work that the connects left behind is then done. */
async function settledMemory(edge: Resident): Promise<Memory> {
  let last = await edge.memory();
  for (let look = 1; look < LOOKS_MAX; look += 1) {
    await pause(SETTLE_INTERVAL_MS);
    const next = await edge.memory();
    if (Math.abs(next.rss - last.rss) < SETTLED_BYTES) return next;
    last = next;
  }
  return last;
}

function sampleOf(before: Memory, after: Memory, connections: number): Sample {
  const perConnection = (key: keyof Memory) =>
    ((after[key] ?? 0) - (before[key] ?? 0)) / connections;
  const detail = {
    before,
    after,
    rssBytes: perConnection('rss'),
    heapUsedBytes: perConnection('heapUsed'),
    externalBytes: perConnection('external'),
  };
  return { values: { kilobytes: detail.rssBytes / 1_000 }, cpu: {}, detail };
}
