/** What connections that only keep themselves alive take of a core, by wire. */

import { setTimeout as pause } from 'node:timers/promises';
import { startBareEdge } from '../harness/bare.js';
import type { Opening } from '../harness/dialect.js';
import type { LoadClient } from '../harness/load.js';
import type { LoadOptions } from '../harness/load-options.js';
import { startApi, startEdge } from '../harness/ours.js';
import type { Program } from '../harness/program.js';
import { quiet } from '../harness/quiet.js';
import { BEARER } from '../harness/secrets.js';
import { type Side, Stoppables } from '../harness/stack.js';
import type { BenchSettings } from '../settings.js';
import { polls, sse, websocket } from '../wires/wires.js';
import { BARE_REQUEST, BARE_SOCKET, hold } from './hold.js';
import type { Metric, Sample, Scenario, Sides } from './scenario.js';

/** What an SDK waits before it says something: the `pingIntervalMs` of an edge. */
const PING_INTERVAL_MS = 25_000;
const PINGS: LoadOptions = { say: '{"type":"ping"}', 'say-every-ms': PING_INTERVAL_MS };
const CONNECTIONS = 10_000;

interface Kind {
  readonly key: string;
  readonly what: string;
  readonly bare: Opening;
  readonly ours: (count: number) => Opening;
  readonly options?: LoadOptions;
}

const KINDS: readonly Kind[] = [
  {
    key: 'ws',
    what: websocket.what,
    bare: BARE_SOCKET,
    ours: (count) => websocket.hold(0, count),
    options: PINGS,
  },
  {
    key: 'sse',
    what: sse.what,
    bare: BARE_REQUEST,
    ours: () => sse.listen(['bench:idle']),
  },
  {
    key: 'poll',
    what: '/v1/poll, nameless, one channel',
    bare: BARE_REQUEST,
    ours: () => polls(['bench:idle'], PING_INTERVAL_MS / 1_000),
  },
];

export const idle: Scenario = {
  name: 'idle',
  metrics: KINDS.map(
    ({ key, what }): Metric => ({
      key,
      what: `10,000 idle connections: ${what}`,
      unit: '% of a core',
      better: 'less',
      bound: 2,
    }),
  ),
  roundsMax: 1,
  open: async (settings) => openIdle(settings),
};

/** An edge for each wire on each side, all at the same time: one that is idle disturbs no other. */
async function openIdle(settings: BenchSettings): Promise<Sides> {
  const all = new Stoppables();
  try {
    const bare = await all.addAll(KINDS.map(() => startBareEdge()));
    const { env } = await startApi(all);
    const ours = await all.addAll(KINDS.map(() => startEdge(env)));
    const edges = { bare: bare.map(({ edge }) => edge), ours };
    const clients = await holdAll(all, edges, settings);
    let looks: Promise<Looks> | undefined;
    return {
      names: ['bare', 'ours'],
      async measure(side) {
        looks ??= look(edges, settings);
        const sample = (await looks)[side];
        for (const client of clients) client.refuseEnd();
        if (sample === undefined) throw new Error(`no side ${side}`);
        return sample;
      },
      stop: () => all.stop(),
    };
  } catch (error) {
    await all.stop();
    throw error;
  }
}

/** One for each kind. */
interface Edges {
  readonly bare: readonly Program[];
  readonly ours: readonly Program[];
}

type Looks = Readonly<Partial<Record<Side, Sample>>>;

async function holdAll(
  all: Stoppables,
  edges: Edges,
  { connections }: BenchSettings,
): Promise<readonly LoadClient[]> {
  const clients: LoadClient[] = [];
  for (const side of ['bare', 'ours'] as const) {
    for (const [at, { [side]: opening, options = {} }] of KINDS.entries()) {
      const target = { wsPort: edges[side][at]?.port ?? 0, postPort: 0, bearer: BEARER };
      const openingOf = typeof opening === 'function' ? opening(connections) : opening;
      clients.push(await all.add(hold({ target, connections, opening: openingOf, options })));
    }
  }
  await quiet([...edges.bare, ...edges.ours]);
  return clients;
}

async function look({ bare, ours }: Edges, { idleMs, connections }: BenchSettings): Promise<Looks> {
  const before = [bare, ours].map(secondsOf);
  const begunMs = performance.now();
  await pause(idleMs);
  const seconds = (performance.now() - begunMs) / 1_000;
  const after = [bare, ours].map(secondsOf);
  const sampleAt = (side: number): Sample => {
    const shares = KINDS.map(({ key }, at): [string, number] => {
      const used = (after[side]?.[at] ?? 0) - (before[side]?.[at] ?? 0);
      return [key, (used / seconds) * (CONNECTIONS / connections) * 100];
    });
    return { values: Object.fromEntries(shares), cpu: {}, detail: { seconds } };
  };
  return { bare: sampleAt(0), ours: sampleAt(1) };
}

function secondsOf(edges: readonly Program[]): number[] {
  return edges.map((edge) => edge.cpuSeconds());
}
