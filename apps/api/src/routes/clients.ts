/** Who is online, where, and with which connections. */

import { clientKeys, partitionOfClient, reading } from '@halley/shared/redis';
import { readClients, readEdgesOf } from '../control/client-state.js';
import type { Services } from '../control/services.js';
import { client, clientList } from '../http/parameters.js';
import { type Route, reply, route } from '../http/route.js';
import { ChannelName, ClientId, Count, PositionText, UnixMs } from '../http/schemas.js';
import Type from '../http/typebox.js';

const CLIENTS_MAX = 1_000;

const LastSeen = Type.Union([UnixMs, Type.Null()], {
  description: 'Unix ms of the last disconnect; null where none is known.',
});

const ClientList = Type.Object({
  clients: Type.Array(
    Type.Object({ clientId: ClientId, online: Type.Boolean(), lastSeen: LastSeen }),
  ),
});

const Connection = Type.Object({
  edgeId: Type.String(),
  connectionId: Type.String(),
  wire: Type.String(),
  since: UnixMs,
  address: Type.String(),
  channels: Type.Array(Type.Object({ channel: ChannelName, position: PositionText })),
  bytesWaiting: Count,
  lastAck: Type.Union([PositionText, Type.Null()]),
});

const ClientState = Type.Object({
  clientId: ClientId,
  online: Type.Boolean(),
  lastSeen: LastSeen,
  edges: Type.Array(Type.String(), { description: 'Edges that hold a connection of the client.' }),
  connections: Type.Array(Connection),
  unreachable: Type.Array(Type.String(), {
    description: 'Edges that did not say in time which connections they hold.',
  }),
});

export function clientRoutes(services: Services): Route[] {
  return [listRoute(services), stateRoute(services)];
}

function listRoute({ redis }: Services): Route {
  return route({
    method: 'GET',
    path: '/clients',
    operationId: 'readClients',
    summary: 'Says of many clients whether they are online and when they were last seen.',
    role: 'read',
    params: {},
    query: { ids: clientList(CLIENTS_MAX) },
    answers: { 200: ClientList },
    refusals: ['unavailable'],
    async handle({ query }) {
      return reply(200, { clients: await reading(readClients(redis, query.ids)) });
    },
  });
}

function stateRoute({ redis, edges: control }: Services): Route {
  return route({
    method: 'GET',
    path: '/clients/:id',
    operationId: 'readClient',
    summary: 'Shows the connections of a client, as its edges report them.',
    role: 'read',
    params: { id: client },
    query: {},
    answers: { 200: ClientState },
    refusals: ['unavailable'],
    async handle({ params: { id } }) {
      const [edges, lastSeen] = await reading(
        Promise.all([readEdgesOf(redis, id), redis.zscore(clientKeys(id).lastSeen, id)]),
      );
      const answers = await reading(control.inspect(edges, partitionOfClient(id), id));
      const connections = answers.replies.flatMap(({ edgeId, connections: held }) =>
        held.map((connection) => ({ edgeId, ...connection, channels: [...connection.channels] })),
      );
      const seen = {
        online: edges.length > 0,
        lastSeen: lastSeen === null ? null : Number(lastSeen),
      };
      const unreachable = [...answers.unreachable];
      return reply(200, { clientId: id, ...seen, edges, connections, unreachable });
    },
  });
}
