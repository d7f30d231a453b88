/** What an edge keeps for a connection that does nothing: growth of its resident memory. */

import { setTimeout as pause } from 'node:timers/promises';
import { startBareEdge } from '../harness/bare.js';
import type { Opening } from '../harness/dialect.js';
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
import { BARE_REQUEST, BARE_SOCKET, type Held, whileHeld } from './hold.js';
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
    roundsMax: 3,
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
  const held = (from: number, count: number): Held => ({
    target: { ...stack, wsPort: portOf(stack, wire) },
    connections: count,
    opening: side === 'bare' ? bareOpening(wire) : wire.hold(from, count),
  });
  try {
    return await whileHeld(held(0, warm), async () => {
      const before = await settledMemory(stack.edge);
      return whileHeld(held(warm, connections), async () => {
        const after = await settledMemory(stack.edge);
        return sampleOf(before, after, connections);
      });
    });
  } finally {
    await stack.stop();
  }
}

function portOf(stack: Stack, wire: Wire): number {
  return stack.side === 'ours' && wire === megacomet ? (stack as Ours).megacometPort : stack.wsPort;
}

function bareOpening(wire: Wire): Opening {
  return wire === websocket ? BARE_SOCKET : BARE_REQUEST;
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
