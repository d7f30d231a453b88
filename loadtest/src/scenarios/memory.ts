/** What an edge keeps for a connection that does nothing: growth of its resident memory. */

import { setTimeout as pause } from 'node:timers/promises';
import { startBareEdge } from '../harness/bare.js';
import { type Opening, openingOptions } from '../harness/dialect.js';
import { LoadClient } from '../harness/load.js';
import { type Ours, startOurs } from '../harness/ours.js';
import { MEMORY_QUESTION } from '../harness/probe-question.js';
import type { Program } from '../harness/program.js';
import type { Side, Stack } from '../harness/stack.js';
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
      names: ['bare', 'ours'],
      measure: (side) => measure(side, wire, settings.connections),
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

async function measure(side: Side, wire: Wire, connections: number): Promise<Sample> {
  const stack = side === 'bare' ? await startBareEdge() : await startOurs();
  const warm = Math.ceil(connections * WARM_SHARE);
  const port = wire === megacomet ? (stack as Ours).megacometPort : stack.wsPort;
  const open = (from: number, count: number, look: () => Promise<Sample>) =>
    hold(
      stack,
      side === 'bare' ? stack.wsPort : port,
      count,
      side === 'bare' ? bareOpening(wire) : wire.hold(from, count),
      look,
    );
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
async function settledMemory(edge: Program): Promise<NodeJS.MemoryUsage> {
  let last = await memoryOf(edge);
  for (let look = 1; look < LOOKS_MAX; look += 1) {
    await pause(SETTLE_INTERVAL_MS);
    const next = await memoryOf(edge);
    if (Math.abs(next.rss - last.rss) < SETTLED_BYTES) return next;
    last = next;
  }
  return last;
}

async function memoryOf(edge: Program): Promise<NodeJS.MemoryUsage> {
  const answer = (await edge.ask(MEMORY_QUESTION)) as { readonly memory: NodeJS.MemoryUsage };
  return answer.memory;
}

function sampleOf(
  before: NodeJS.MemoryUsage,
  after: NodeJS.MemoryUsage,
  connections: number,
): Sample {
  const perConnection = (key: keyof NodeJS.MemoryUsage) => (after[key] - before[key]) / connections;
  const detail = {
    before,
    after,
    rssBytes: perConnection('rss'),
    heapUsedBytes: perConnection('heapUsed'),
    externalBytes: perConnection('external'),
  };
  return { values: { kilobytes: detail.rssBytes / 1_000 }, cpu: {}, detail };
}
