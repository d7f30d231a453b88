/** Faults of edges, apis and the ways of clients: the same whatever the Redis. */

import { setTimeout as pause } from 'node:timers/promises';
import type { EdgeProcess, Service } from '../../kit/fleet.js';
import type { Random } from '../../kit/random.js';
import type { Front } from '../front.js';
import type { Fault, World } from '../world.js';

const DRAIN_DEADLINE_MS = 30_000;

export interface FleetFaultOptions {
  readonly front: Front;
  /** Of what lasts. */
  readonly lengthMs: number;
}

export function fleetFaults({ front, lengthMs }: FleetFaultOptions): Fault[] {
  return [
    fault('edge killed', async ({ fleet }, random) => {
      await random.pick(running(fleet.edges)).kill();
      await fleet.addEdge();
    }),
    fault('edge stopped', async ({ fleet }, random) => {
      const edge = random.pick(running(fleet.edges));
      edge.pause();
      await pause(lengthMs);
      edge.resume();
    }),
    fault('edge drained', async ({ fleet }, random) => {
      const edge = random.pick(running(fleet.edges));
      await fleet.addEdge();
      await edge.terminate(DRAIN_DEADLINE_MS);
    }),
    fault('api killed', async ({ fleet }, random) => {
      await random.pick(running(fleet.apis)).kill();
      await fleet.addApi();
    }),
    // Nobody is told: each side has to find out by itself, after the cause is away.
    fault('half-open sockets', async (_world, random) => front.deafen(0.5, random)),
  ];
}

export function running<S extends Service | EdgeProcess>(services: readonly S[]): S[] {
  return services.filter(({ isServing }) => isServing);
}

function fault(name: string, inject: (world: World, random: Random) => Promise<void>): Fault {
  return { name, isOutsideRedis: true, inject };
}
