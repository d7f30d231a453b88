/** All are connected and nothing happens: what that costs. */

import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../sdk/clock.js';
import { type CpuKind, cpuOf, cpuSince } from './cpu.js';
import { type ProcessMemory, processMemory } from './machine.js';
import { type MemoryRow, memoryRow } from './memory-row.js';
import { bytes, count, mebibytes, type Phase, percent } from './phase.js';
import type { Run } from './run.js';

const TICK_MS = 1_000;

export interface Hold extends Phase {
  readonly name: 'hold';
  readonly edges: readonly (ProcessMemory & { readonly connections: number })[];
}

/** @param empty before anybody was connected */
export async function hold(run: Run, empty: MemoryRow): Promise<Hold> {
  const { settleMs, holdMs } = run.settings;
  await rest(run, settleMs);
  run.say('hold: measuring the CPU at rest');
  const before = await run.look();
  const cpu = cpuOf(run);
  await rest(run, holdMs);
  const used = cpuSince(run, cpu);
  const after = await run.look();
  const share = (key: CpuKind) => used[key] / used.wall;
  const memory = memoryRow(run, before.ready, run.seconds);
  const edges = run.fleet.edges.map(({ pid }, index) => ({
    ...processMemory([pid]),
    // None has moved yet.
    connections: run.connected.find(({ edge }) => edge === index)?.count ?? 0,
  }));
  const grown = memory.edgesRssBytes - empty.edgesRssBytes;
  const kernel = memory.slabBytes - empty.slabBytes;
  const rows = [
    { what: 'CPU at rest, all edges, of a core', value: percent(share('edges')) },
    { what: 'CPU at rest, all clients, of a core', value: percent(share('clients')) },
    { what: 'CPU at rest, Redis and the api, of a core', value: percent(share('servers')) },
    { what: 'CPU at rest, the whole machine, of a core', value: percent(share('machine')) },
    { what: 'pings answered in that time', value: count(after.pings - before.pings) },
    { what: 'edges, resident in sum', value: mebibytes(memory.edgesRssBytes) },
    { what: 'edges, shared pages counted once (PSS)', value: mebibytes(memory.edgesPssBytes) },
    { what: 'one empty edge, resident', value: mebibytes(empty.edgesRssBytes / edges.length) },
    { what: 'edges, per connection beyond that', value: bytes(grown / before.ready) },
    { what: 'kernel (slab), both ends, per connection', value: bytes(kernel / before.ready) },
    { what: 'clients, shared pages counted once (PSS)', value: mebibytes(memory.clientsPssBytes) },
    { what: 'Redis, resident', value: mebibytes(memory.redisRssBytes) },
  ];
  return { name: 'hold', rows, detail: { before, after, used, memory }, edges };
}

async function rest(run: Run, lengthMs: number): Promise<void> {
  const endMs = monotonicMs() + lengthMs;
  while (monotonicMs() < endMs) {
    run.check();
    await pause(Math.min(TICK_MS, Math.max(1, endMs - monotonicMs())));
  }
}
