/** Many messages in one call: as few scripts as there are partitions, and a result for each message. */

import {
  BATCH_MAX_MESSAGES,
  bodyOf,
  elementStarts,
  type PublishOutcome,
  RefusedError,
  rawMember,
  refusal,
} from '@halley/shared/protocol';
import { storeRefusal } from '@halley/shared/redis';
import type { Services } from '../control/services.js';
import { type Route, reply, route } from '../http/route.js';
import Type from '../http/typebox.js';
import {
  BatchMessage,
  BatchResult,
  checkMessage,
  type Outcome,
  outcomeOf,
  type Target,
  targetCount,
  targetsOf,
} from './batch-message.js';
import { dataOf, PRIVATE_PAYLOAD_MAX_BYTES } from './publishing.js';

/** Messages are checked one by one: a bad one does not fail the others. */
function batchBody(message: Type.TSchema) {
  return Type.Object(
    { messages: Type.Array(message, { minItems: 1, maxItems: BATCH_MAX_MESSAGES }) },
    { additionalProperties: false },
  );
}

export function batchRoutes(services: Services): Route[] {
  return [
    route({
      method: 'POST',
      path: '/messages',
      operationId: 'publishBatch',
      summary: `Publishes up to ${BATCH_MAX_MESSAGES} messages; the results come in their order.`,
      description: `Each name of \`channels\` and \`clients\` counts as a message. A bad message does not fail the others.`,
      role: 'publish',
      params: {},
      query: {},
      body: batchBody(BatchMessage),
      envelope: batchBody(Type.Unknown()),
      answers: { 200: Type.Object({ results: Type.Array(BatchResult) }) },
      refusals: ['unavailable'],
      messages: ({ messages }) => messageCount(messages),
      async handle({ body, bodyText }) {
        holdLimit(body.messages);
        if (services.redis.status !== 'ready') return storeRefusal('unavailable');
        const text = rawMember(bodyText, 'messages') ?? '[]';
        const starts = elementStarts(text);
        // All are handed over in this turn, so that the publisher joins them.
        const results = body.messages.map((message, index) =>
          publishOne(services, message, text, starts[index] ?? 0),
        );
        return reply(200, { results: await Promise.all(results) });
      },
    }),
  ];
}

function messageCount(messages: readonly unknown[]): number {
  return messages.reduce<number>((total, message) => total + targetCount(message), 0);
}

/** @throws RefusedError */
function holdLimit(messages: readonly unknown[]): void {
  const count = messageCount(messages);
  if (count <= BATCH_MAX_MESSAGES) return;
  const text = `"messages" stands for ${count} messages; at most ${BATCH_MAX_MESSAGES} are allowed`;
  throw new RefusedError(refusal('bad-field', text, 'messages'));
}

/** @param start where the message stands in `text` */
function publishOne(
  services: Services,
  element: unknown,
  text: string,
  start: number,
): BatchResult | Promise<BatchResult> {
  const refused = checkMessage(element);
  if (refused !== null) return { ...refused };
  const message = element as BatchMessage;
  const targets = targetsOf(message);
  if ('code' in targets) return { ...targets };
  const to = (target: Target) => publishTo(services, target, message, text, start);
  return 'name' in targets ? resultOf(to(targets)) : resultsOf(targets, targets.map(to));
}

function resultOf(outcome: PublishOutcome | Promise<PublishOutcome>): Outcome | Promise<Outcome> {
  return outcome instanceof Promise ? outcome.then(outcomeOf) : outcomeOf(outcome);
}

async function resultsOf(
  targets: readonly Target[],
  publishing: readonly (PublishOutcome | Promise<PublishOutcome>)[],
): Promise<BatchResult> {
  const outcomes = await Promise.all(publishing);
  const results = targets.flatMap(({ kind, name }, index) => {
    const outcome = outcomes[index];
    return outcome === undefined ? [] : [{ [kind]: name, ...outcomeOf(outcome) }];
  });
  return { results };
}

function publishTo(
  { publisher, settings }: Services,
  { kind, name }: Target,
  { event, key }: BatchMessage,
  text: string,
  start: number,
): Promise<PublishOutcome> | PublishOutcome {
  const namespace = settings.namespaces.of(kind === 'channel' ? name : '');
  const maxBytes = kind === 'channel' ? namespace.maxPayloadBytes : PRIVATE_PAYLOAD_MAX_BYTES;
  const data = dataOf(text, start, maxBytes);
  if (typeof data !== 'string') return data;
  const body = bodyOf({ data, event });
  return kind === 'channel'
    ? publisher.toChannel(name, body, namespace, key)
    : publisher.toClient(name, body, key);
}
