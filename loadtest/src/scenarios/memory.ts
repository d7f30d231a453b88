/** What an edge keeps for a connection that does nothing: growth of its resident memory. */

import { setTimeout as pause } from 'node:timers/promises';
import { startBareEdge } from '../harness/bare.js';
import type { Opening } from '../harness/dialect.js';
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
import { BARE_REQUEST, BARE_SOCKET, type Held, whileHeld } from './hold.js';
import type { Sample, Scenario } from './scenario.js';

/** Connections before the first look, so that code and pools that any use brings are not counted. */
const WARM_SHARE = 0.1;
const SETTLED_BYTES = 64 * 1024;
const SETTLE_INTERVAL_MS = 200;
const LOOKS_MAX = 25;
/** Peers know no tokens: one channel is all that their sockets bring. */
const PEER_CHANNEL = 'bench:memory';

type Remembered = Stack & { readonly edge: Resident };

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
    roundsMax: wire === websocket ? 3 : 2,
    peerRoundsMax: 1,
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
  const held = (from: number, count: number): Held => ({
    target: { ...stack, wsPort: portOf(stack, wire) },
    connections: count,
    opening: openingOf(stack, wire, from, count),
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

async function startSide(side: Side, settings: BenchSettings): Promise<Remembered> {
  if (side === 'bare') return startBareEdge();
  if (side === 'ours') return startOurs();
  const start = peers(settings).get(side);
  if (start === undefined) throw new Error(`no side ${side}`);
  return start();
}

function openingOf({ side, dialect }: Stack, wire: Wire, from: number, count: number): Opening {
  if (side === 'ours') return wire.hold(from, count);
  if (side !== 'bare') return dialect.listen([PEER_CHANNEL]);
  return wire === websocket ? BARE_SOCKET : BARE_REQUEST;
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
