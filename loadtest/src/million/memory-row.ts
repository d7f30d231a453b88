/** Memory of the machine and of each kind of process, at one number of connections. */

import { type MachineMemory, machineMemory, processMemory } from './machine.js';
import type { Run } from './run.js';

export interface MemoryRow extends MachineMemory {
  readonly connections: number;
  readonly seconds: number;
  readonly edgesRssBytes: number;
  readonly edgesPssBytes: number;
  readonly clientsRssBytes: number;
  readonly clientsPssBytes: number;
  readonly redisRssBytes: number;
  readonly apiRssBytes: number;
}

export function memoryRow({ fleet, crowds }: Run, connections: number, seconds: number): MemoryRow {
  const edges = processMemory(fleet.edges.map(({ pid }) => pid));
  const clients = processMemory(
    crowds.flatMap((crowd) => (crowd === undefined ? [] : [crowd.pid])),
  );
  return {
    connections,
    seconds,
    ...machineMemory(),
    edgesRssBytes: edges.rssBytes,
    edgesPssBytes: edges.pssBytes,
    clientsRssBytes: clients.rssBytes,
    clientsPssBytes: clients.pssBytes,
    redisRssBytes: processMemory([fleet.redis.pid]).rssBytes,
    apiRssBytes: processMemory([fleet.api.pid]).rssBytes,
  };
}
