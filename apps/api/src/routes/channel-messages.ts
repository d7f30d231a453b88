/** Messages of one channel: publish, read back, clear. */

import {
  bodyOf,
  HISTORY_LIMIT_DEFAULT,
  HISTORY_LIMIT_MAX,
  historyItem,
  type Refusal,
  refusal,
} from '@halley/shared/protocol';
import { channelKeys, readHistory, reading, writing } from '@halley/shared/redis';
import type { Services } from '../control/services.js';
import { channel, limit, position } from '../http/parameters.js';
import { type Route, reply, replyText, route } from '../http/route.js';
import {
  ClientId,
  Count,
  Data,
  EventName,
  IdempotencyKey,
  Message,
  PositionText,
} from '../http/schemas.js';
import Type from '../http/typebox.js';
import { dataOf, Published, publishAnswer, Repeated, STORE_CODES } from './publishing.js';

const ChannelMessage = Type.Object(
  {
    data: Data,
    event: Type.Optional(EventName),
    key: Type.Optional(IdempotencyKey),
    from: Type.Optional(ClientId),
  },
  { additionalProperties: false },
);

const History = Type.Object({
  messages: Type.Array(Message),
  position: PositionText,
  more: Type.Boolean({ description: 'There is more in the direction of reading.' }),
});

export function channelMessageRoutes(services: Services): Route[] {
  return [publishRoute(services), historyRoute(services), clearRoute(services)];
}

function publishRoute({ publisher, settings }: Services): Route {
  return route({
    method: 'POST',
    path: '/channels/:name/messages',
    operationId: 'publishToChannel',
    summary: 'Publishes a message to the subscribers of a channel.',
    role: 'publish',
    params: { name: channel },
    query: {},
    body: ChannelMessage,
    answers: { 201: Published, 200: Repeated },
    refusals: ['payload-too-large', ...STORE_CODES],
    async handle({ params, body, bodyText }) {
      const namespace = settings.namespaces.of(params.name);
      const data = dataOf(bodyText, 0, namespace.maxPayloadBytes);
      if (typeof data !== 'string') return data;
      const message = bodyOf({ data, event: body.event, clientId: body.from });
      return publishAnswer(await publisher.toChannel(params.name, message, namespace, body.key));
    },
  });
}

function historyRoute(services: Services): Route {
  const { settings, scripts } = services;
  return route({
    method: 'GET',
    path: '/channels/:name/messages',
    operationId: 'readHistory',
    summary:
      'Reads the history of a channel, oldest first; without a position the newest messages.',
    role: 'read',
    params: { name: channel },
    query: {
      after: position('Messages that follow this one.'),
      before: position('The messages just before this one.'),
      limit: limit(HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX),
    },
    answers: { 200: History },
    refusals: ['history-disabled', 'unavailable'],
    async handle({ params, query }) {
      const disabled = historyDisabled(services, params.name);
      if (disabled !== null) return disabled;
      if (query.after !== undefined && query.before !== undefined) {
        return refusal('bad-query', '"before" does not go together with "after"', 'before');
      }
      const ageMs = settings.namespaces.of(params.name).historySeconds * 1_000;
      const page = await reading(readHistory(scripts, params.name, query, ageMs));
      const top = page.top ?? `0-${page.nowMs}`;
      const items = page.entries.map(({ id, body }) => historyItem(id, body));
      const tail = `"position":"${top}","more":${page.more}`;
      return replyText(200, `{"messages":[${items.join(',')}],${tail}}`);
    },
  });
}

function clearRoute(services: Services): Route {
  return route({
    method: 'DELETE',
    path: '/channels/:name/messages',
    operationId: 'clearHistory',
    summary: 'Clears the history of a channel; positions go on.',
    role: 'admin',
    params: { name: channel },
    query: {},
    answers: { 200: Type.Object({ removed: Count }) },
    refusals: ['history-disabled', 'unavailable', 'outcome-unknown'],
    async handle({ params }) {
      const disabled = historyDisabled(services, params.name);
      if (disabled !== null) return disabled;
      const { log, live } = channelKeys(params.name);
      const removed = await writing(services.scripts.run('clear', [log], [live]));
      return reply(200, { removed: Number(removed) });
    },
  });
}

function historyDisabled({ settings }: Services, name: string): Refusal | null {
  return settings.namespaces.of(name).historySize === 0 ? refusal('history-disabled') : null;
}
