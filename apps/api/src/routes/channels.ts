/** What is live: channels and their subscribers. */

import { channelKeys, reading } from '@halley/shared/redis';
import { listChannels, readSubscribers, sum } from '../control/channel-state.js';
import type { Services } from '../control/services.js';
import { after, channel, channelPrefix, limit } from '../http/parameters.js';
import { type Route, reply, route } from '../http/route.js';
import { ChannelName, Count, PositionText } from '../http/schemas.js';
import Type from '../http/typebox.js';

const CHANNELS_LIMIT_DEFAULT = 100;
const CHANNELS_LIMIT_MAX = 1_000;

const ChannelList = Type.Object({
  channels: Type.Array(Type.Object({ channel: ChannelName, subscribers: Count })),
  more: Type.Boolean(),
});

const ChannelState = Type.Object({
  channel: ChannelName,
  subscribers: Count,
  edges: Type.Record(Type.String(), Count, { description: 'Subscribers by edge.' }),
  position: Type.Union([PositionText, Type.Null()], {
    description: 'Of the last message; null where there was none in the last 7 days.',
  }),
  historyLength: Type.Integer({
    minimum: 0,
    description: 'Messages that the log holds; those older than historySeconds are not shown.',
  }),
  members: Type.Optional(Count),
});

export function channelRoutes(services: Services): Route[] {
  return [listRoute(services), stateRoute(services)];
}

function listRoute({ redis }: Services): Route {
  return route({
    method: 'GET',
    path: '/channels',
    operationId: 'listChannels',
    summary: 'Lists the channels that have subscribers, by name.',
    role: 'read',
    params: {},
    query: {
      prefix: channelPrefix(),
      after: after(channel),
      limit: limit(CHANNELS_LIMIT_DEFAULT, CHANNELS_LIMIT_MAX),
    },
    answers: { 200: ChannelList },
    refusals: ['unavailable'],
    async handle({ query }) {
      const list = listChannels(redis, query.prefix ?? '', query.after, query.limit);
      const { names, more } = await reading(list);
      const channels = await Promise.all(
        names.map(async (name) => ({
          channel: name,
          subscribers: sum(await reading(readSubscribers(redis, name))),
        })),
      );
      return reply(200, { channels, more });
    },
  });
}

function stateRoute({ redis, settings }: Services): Route {
  return route({
    method: 'GET',
    path: '/channels/:name',
    operationId: 'readChannel',
    summary: 'Says how many subscribers a channel has, where, and what its log holds.',
    role: 'read',
    params: { name: channel },
    query: {},
    answers: { 200: ChannelState },
    refusals: ['unavailable'],
    async handle({ params }) {
      const keys = channelKeys(params.name);
      const keepsMembers = settings.namespaces.of(params.name).members;
      const [edges, position, historyLength, members] = await reading(
        Promise.all([
          readSubscribers(redis, params.name),
          redis.get(keys.top),
          redis.xlen(keys.log),
          keepsMembers ? redis.hlen(keys.members) : undefined,
        ]),
      );
      const counted = { channel: params.name, subscribers: sum(edges), edges };
      const state = { ...counted, position, historyLength };
      return reply(200, members === undefined ? state : { ...state, members });
    },
  });
}
