/** The fleet as its heartbeats show it. */

import { refusal } from '@halley/shared/protocol';
import {
  type Heartbeat,
  heartbeatKey,
  readHeartbeats,
  reading,
  storeRefusal,
} from '@halley/shared/redis';
import { readRedisLoad } from '../control/redis-load.js';
import type { Services } from '../control/services.js';
import { given } from '../http/parameters.js';
import { type Route, reply, route } from '../http/route.js';
import { Count, UnixMs } from '../http/schemas.js';
import Type from '../http/typebox.js';

const Amount = Type.Number({ minimum: 0 });
const ByWire = Type.Record(Type.String(), Count, { description: 'Open connections by wire.' });

const Edge = Type.Object({
  edgeId: Type.String(),
  url: Type.String({ description: 'Address of the machine, for clients.' }),
  adminUrl: Type.String({ description: 'Address of the process: health and metrics.' }),
  startedAt: UnixMs,
  version: Type.String(),
  draining: Type.Boolean(),
  overloaded: Type.Boolean({ description: 'It gets more than it can deliver.' }),
  connections: ByWire,
  channels: Count,
  deliveredPerSecond: Amount,
  bytesPerSecond: Amount,
  backpressureBytes: Amount,
  loopDelayP99Ms: Amount,
  rssBytes: Count,
  cpu: Type.Number({ minimum: 0, description: 'Share of one core.' }),
});

const EdgeEvents = Type.Object({
  events: Type.Array(
    Type.Object({
      at: UnixMs,
      kind: Type.Enum(['refused', 'cut']),
      code: Type.String(),
      clientId: Type.Optional(Type.String()),
      connectionId: Type.Optional(Type.String()),
      channel: Type.Optional(Type.String()),
      detail: Type.String(),
    }),
  ),
});

const Stats = Type.Object({
  edges: Count,
  draining: Count,
  connections: ByWire,
  connectionsTotal: Count,
  deliveredPerSecond: Amount,
  bytesPerSecond: Amount,
  backpressureBytes: Amount,
  redis: Type.Object({
    usedMemoryBytes: Count,
    operationsPerSecond: Count,
    connectedClients: Count,
  }),
});

const NO_ANSWER = 'the edge did not answer in time';

export function edgeRoutes(services: Services): Route[] {
  return [listRoute(services), eventsRoute(services), statsRoute(services)];
}

function listRoute({ redis }: Services): Route {
  return route({
    method: 'GET',
    path: '/edges',
    operationId: 'listEdges',
    summary: 'Lists the edges that are alive, with their load.',
    role: 'read',
    params: {},
    query: {},
    answers: { 200: Type.Object({ edges: Type.Array(Edge) }) },
    refusals: ['unavailable'],
    async handle() {
      const edges = await reading(readHeartbeats(redis));
      return reply(200, { edges: edges.map(copyOf) });
    },
  });
}

function copyOf(beat: Heartbeat) {
  return { ...beat, connections: { ...beat.connections } };
}

function eventsRoute({ redis, edges }: Services): Route {
  return route({
    method: 'GET',
    path: '/edges/:id/events',
    operationId: 'listEdgeEvents',
    summary: 'Lists the last refusals and cuts of an edge, with their reasons.',
    role: 'read',
    params: { id: given('Id of an edge.', /^[0-9a-z]{1,32}$/) },
    query: {},
    answers: { 200: EdgeEvents },
    refusals: ['not-found', 'unavailable'],
    async handle({ params: { id } }) {
      const alive = await reading(redis.exists(heartbeatKey(id)));
      if (alive === 0) return refusal('not-found', 'no edge of this id is alive');
      const [report] = (await reading(edges.events(id))).replies;
      if (report === undefined) return { ...storeRefusal('unavailable'), message: NO_ANSWER };
      return reply(200, { events: report.events.map((event) => ({ ...event })) });
    },
  });
}

function statsRoute({ redis }: Services): Route {
  return route({
    method: 'GET',
    path: '/stats',
    operationId: 'readStats',
    summary: 'Sums over the edges, and the load of Redis.',
    role: 'read',
    params: {},
    query: {},
    answers: { 200: Stats },
    refusals: ['unavailable'],
    async handle() {
      const [beats, load] = await reading(
        Promise.all([readHeartbeats(redis), readRedisLoad(redis)]),
      );
      return reply(200, { ...sumOf(beats), redis: { ...load } });
    },
  });
}

function sumOf(beats: readonly Heartbeat[]) {
  const total = (amount: (beat: Heartbeat) => number) =>
    beats.reduce((all, beat) => all + amount(beat), 0);
  const connections: Record<string, number> = {};
  for (const beat of beats) {
    for (const [wire, count] of Object.entries(beat.connections)) {
      connections[wire] = (connections[wire] ?? 0) + count;
    }
  }
  return {
    edges: beats.length,
    draining: total((beat) => (beat.draining ? 1 : 0)),
    connections,
    connectionsTotal: Object.values(connections).reduce((all, count) => all + count, 0),
    deliveredPerSecond: total((beat) => beat.deliveredPerSecond),
    bytesPerSecond: total((beat) => beat.bytesPerSecond),
    backpressureBytes: total((beat) => beat.backpressureBytes),
  };
}
