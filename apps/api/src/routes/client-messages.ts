/** Private messages of a client, and its queue. */

import {
  bodyOf,
  HISTORY_LIMIT_DEFAULT,
  HISTORY_LIMIT_MAX,
  historyItem,
} from '@halley/shared/protocol';
import { reading } from '@halley/shared/redis';
import { readQueue } from '../control/queue.js';
import type { Services } from '../control/services.js';
import { client, limit, position } from '../http/parameters.js';
import { type Route, replyText, route } from '../http/route.js';
import { Data, EventName, IdempotencyKey, Message, PositionText } from '../http/schemas.js';
import Type from '../http/typebox.js';
import {
  dataOf,
  PRIVATE_PAYLOAD_MAX_BYTES,
  Published,
  publishAnswer,
  Repeated,
  STORE_CODES,
} from './publishing.js';

const PrivateMessage = Type.Object(
  {
    data: Data,
    event: Type.Optional(EventName),
    key: Type.Optional(IdempotencyKey),
  },
  { additionalProperties: false },
);

const Queue = Type.Object({
  messages: Type.Array(Message),
  acked: Type.Union([PositionText, Type.Null()], {
    description: 'The highest position that any connection of the client has acknowledged.',
  }),
  more: Type.Boolean(),
});

export function clientMessageRoutes(services: Services): Route[] {
  return [publishRoute(services), queueRoute(services)];
}

function publishRoute({ publisher }: Services): Route {
  return route({
    method: 'POST',
    path: '/clients/:id/messages',
    operationId: 'publishToClient',
    summary:
      'Sends a private message to all connections of a client; waits in its queue meanwhile.',
    role: 'publish',
    params: { id: client },
    query: {},
    body: PrivateMessage,
    answers: { 201: Published, 200: Repeated },
    refusals: ['payload-too-large', 'queue-full', ...STORE_CODES],
    async handle({ params, body, bodyText }) {
      const data = dataOf(bodyText, 0, PRIVATE_PAYLOAD_MAX_BYTES);
      if (typeof data !== 'string') return data;
      const message = bodyOf({ data, event: body.event });
      return publishAnswer(await publisher.toClient(params.id, message, body.key));
    },
  });
}

function queueRoute({ scripts, redis, settings }: Services): Route {
  return route({
    method: 'GET',
    path: '/clients/:id/queue',
    operationId: 'readQueue',
    summary: 'Reads the private messages that wait for a client, oldest first.',
    role: 'read',
    params: { id: client },
    query: {
      after: position('Messages that follow this one.'),
      limit: limit(HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX),
    },
    answers: { 200: Queue },
    refusals: ['unavailable'],
    async handle({ params, query }) {
      const ageMs = settings.queue.seconds * 1_000;
      const queue = await reading(readQueue(scripts, redis, params.id, query, ageMs));
      const items = queue.entries.map(({ id, body }) => historyItem(id, body)).join(',');
      const acked = JSON.stringify(queue.acked);
      const text = `{"messages":[${items}],"acked":${acked},"more":${queue.more}}`;
      return replyText(200, text);
    },
  });
}
