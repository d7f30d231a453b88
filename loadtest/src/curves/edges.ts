/** The same subscribers spread over more and more edges: what a message costs all servers together. */

import { startBareFleet } from '../harness/bare.js';
import { openingOptions } from '../harness/dialect.js';
import { runLoad } from '../harness/load.js';
import { startOurFleet } from '../harness/ours.js';
import { type Fleet, Stoppables } from '../harness/stack.js';
import { DATA } from '../scenarios/load.js';
import type { BenchSettings } from '../settings.js';
import type { Curve, CurveSample } from './curve.js';
import { curveOptions, refuseFaults } from './delivery.js';

const UNHEARD = 'bench:edges-none';
const COUNTS = [1, 2, 3, 4] as const;
/** As many on each of 1, 2, 3 or 4 edges; few, so that what an edge costs can be seen beside them. */
const SUBSCRIBERS = 12;

export const edges: Curve = {
  name: 'edges',
  title: `Cost of a message by edges (${SUBSCRIBERS} subscribers in all)`,
  x: { label: 'edges', ticks: COUNTS },
  y: { label: 'CPU per message, microseconds', from: 0 },
  lines: [
    { name: 'Halley, all servers', side: 'ours', key: 'sum' },
    { name: 'its edges', side: 'ours', key: 'edge' },
    { name: 'its api', side: 'ours', key: 'api' },
    { name: 'its Redis', side: 'ours', key: 'redis' },
    { name: 'bare, all servers', side: 'bare', key: 'sum' },
  ],
  points: ({ curveEdges }) => COUNTS.filter((count) => count <= curveEdges),
  async open(settings) {
    const all = new Stoppables();
    const fleets = {
      bare: await all.add(startBareFleet(settings.curveEdges)),
      ours: await all.add(startOurFleet(settings.curveEdges)),
    };
    try {
      for (const fleet of [fleets.bare, fleets.ours]) await warmApi(fleet, settings);
    } catch (error) {
      await all.stop();
      throw error;
    }
    return {
      measure: (side, count) => measureMessage(fleets[side], count, settings),
      stop: () => all.stop(),
    };
  },
};

/** A thousand messages a second would take an api long to run at its own speed. */
async function warmApi(fleet: Fleet, settings: BenchSettings): Promise<void> {
  await runLoad(fleet, 'post', {
    ...curveOptions(settings),
    posters: settings.posters,
    requests: [fleet.dialect.publish(UNHEARD, DATA)],
  });
}

async function measureMessage(
  fleet: Fleet,
  count: number,
  settings: BenchSettings,
): Promise<CurveSample> {
  const channel = channelOf(count);
  const { window, cpu } = await runLoad(fleet, 'fanout', {
    ...curveOptions(settings),
    ...openingOptions(fleet.dialect.listen([channel])),
    'ws-ports': fleet.wsPorts.slice(0, count).map(String),
    connections: SUBSCRIBERS,
    posters: 4,
    requests: [fleet.dialect.publish(channel, DATA)],
  });
  refuseFaults(fleet, window);
  const perSecond = window.deliveries / SUBSCRIBERS / window.seconds;
  const costOf = (name: string) => ((cpu[name] ?? 0) * 1e6) / perSecond;
  const costs = { edge: costOf('edge'), api: costOf('api'), redis: costOf('redis') };
  return { costs: { ...costs, sum: costs.edge + costs.api + costs.redis }, cpu, window };
}

/** One for each number of edges: an edge may hear a channel for a while after its last subscriber. */
function channelOf(count: number): string {
  return `bench:edges-${count}`;
}
