/** What an edge keeps for a connection that does nothing: growth of its resident memory. */

import { setTimeout as pause } from 'node:timers/promises';
import { startBareEdge } from '../harness/bare.js';
import { LoadClient, type LoadOptions } from '../harness/load.js';
import { startOurs } from '../harness/ours.js';
import { MEMORY_QUESTION } from '../harness/probe-question.js';
import type { Program } from '../harness/program.js';
import type { Side, Stack } from '../harness/stack.js';
import { subscribeFrame } from './load.js';
import type { Sample, Scenario } from './scenario.js';
import { signTokens } from './tokens.js';

const CHANNEL = 'held:memory';
/** Connections before the first look, so that code and pools that any use brings are not counted. */
const WARM_SHARE = 0.1;
const SETTLED_BYTES = 64 * 1024;
const SETTLE_INTERVAL_MS = 200;
const LOOKS_MAX = 25;

export const memory: Scenario = {
  name: 'memory',
  metrics: [
    {
      key: 'kilobytes',
      what: 'memory per idle connection',
      unit: 'KB',
      better: 'less',
      bareFigure: 1.1,
      goal: { atMost: 2.0 },
    },
  ],
  // Every look needs a fresh process: what one round has freed would hide what the next one takes.
  open: async (settings) => ({
    measure: (side) => measure(side, settings.connections),
    stop: async () => undefined,
  }),
};

async function measure(side: Side, connections: number): Promise<Sample> {
  const stack = side === 'bare' ? await startBareEdge() : await startOurs();
  const warm = Math.ceil(connections * WARM_SHARE);
  const targets = targetsOf(side, warm + connections);
  try {
    return await hold(stack, targets.slice(0, warm), async () => {
      const before = await settledMemory(stack.edge);
      return hold(stack, targets.slice(warm), async () => {
        const after = await settledMemory(stack.edge);
        return sampleOf(before, after, connections);
      });
    });
  } finally {
    await stack.stop();
  }
}

/** Runs `look` while one connection per target is open. */
async function hold<T>(stack: Stack, targets: string[], look: () => Promise<T>): Promise<T> {
  const frames = { hello: subscribeFrame(CHANNEL), 'ready-frames': 2 };
  const options: LoadOptions = { targets, connections: targets.length };
  const client = await LoadClient.start(stack, 'hold', {
    ...options,
    ...(stack.side === 'ours' && frames),
  });
  try {
    await client.event('ready');
    return await look();
  } finally {
    await client.stop();
  }
}

/** A client of its own for each connection, with a right to the channel out of its token. */
function targetsOf(side: Side, count: number): string[] {
  if (side === 'bare') return Array.from({ length: count }, () => '/v1/ws');
  return signTokens(count, CHANNEL).map((token) => `/v1/ws?token=${token}`);
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
