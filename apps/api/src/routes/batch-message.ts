/** One message of a batch and its result: shapes, targets, outcome. */

import {
  CODES,
  type Code,
  type PublishOutcome,
  type Refusal,
  refusal,
} from '@halley/shared/protocol';
import Type, { type Static } from 'typebox';
import {
  ChannelName,
  ClientId,
  Count,
  Data,
  EventName,
  IdempotencyKey,
  PositionText,
} from '../http/schemas.js';
import { bodyCheck } from '../http/validator.js';

export const TARGETS = ['channel', 'channels', 'client', 'clients'] as const;

const fields = {
  channel: Type.Optional(ChannelName),
  channels: Type.Optional(Type.Array(ChannelName, { minItems: 1 })),
  client: Type.Optional(ClientId),
  clients: Type.Optional(Type.Array(ClientId, { minItems: 1 })),
  data: Data,
  event: Type.Optional(EventName),
  key: Type.Optional(IdempotencyKey),
};

/** One message, as the description of the API shows it. */
export const BatchMessage = Type.Object(fields, {
  additionalProperties: false,
  oneOf: TARGETS.map((name) => ({ required: [name] })),
});

export type BatchMessage = Static<typeof BatchMessage>;

/** That it has one target is left to `targetsOf`, which can say what is wrong with them. */
export const checkMessage = bodyCheck(
  Type.Object(fields, { additionalProperties: false }),
  'the message',
);

const outcomeFields = {
  id: Type.Optional(PositionText),
  edges: Type.Optional(Count),
  repeated: Type.Optional(Type.Literal(true)),
  code: Type.Optional(Type.Enum(Object.keys(CODES) as Code[])),
  message: Type.Optional(Type.String({ description: 'Why this one was refused.' })),
  field: Type.Optional(Type.String()),
  retryAfterMs: Type.Optional(Type.Integer({ minimum: 0 })),
};

const TargetResult = Type.Object({
  channel: Type.Optional(ChannelName),
  client: Type.Optional(ClientId),
  ...outcomeFields,
});

export const BatchResult = Type.Object(
  { ...outcomeFields, results: Type.Optional(Type.Array(TargetResult)) },
  {
    description:
      '`{id, edges}`, `{id, repeated}` or `{code, message}`; for `channels` and `clients` one such per name in `results`.',
  },
);

export type BatchResult = Static<typeof BatchResult>;
export type Outcome = Omit<BatchResult, 'results'>;

/** One publish that a message asks for. */
export interface Target {
  readonly kind: 'channel' | 'client';
  readonly name: string;
}

export function targetsOf(message: BatchMessage): readonly Target[] | Refusal {
  const [name, other] = TARGETS.filter((target) => message[target] !== undefined);
  if (name === undefined) {
    return refusal('missing-field', `one of ${TARGETS.join(', ')} is needed`, 'channel');
  }
  if (other !== undefined) {
    return refusal('bad-field', `"${other}" does not go together with "${name}"`, other);
  }
  const { channel, channels = channel === undefined ? [] : [channel] } = message;
  const { client, clients = client === undefined ? [] : [client] } = message;
  return [
    ...channels.map((target) => ({ kind: 'channel', name: target }) as const),
    ...clients.map((target) => ({ kind: 'client', name: target }) as const),
  ];
}

/** Messages that an element stands for, counted before anything else is known of it. */
export function targetCount(element: unknown): number {
  if (typeof element !== 'object' || element === null) return 1;
  const lists = [Reflect.get(element, 'channels'), Reflect.get(element, 'clients')];
  const lengths = lists.map((list: unknown) => (Array.isArray(list) ? list.length : 0));
  return Math.max(1, ...lengths);
}

export function outcomeOf(outcome: PublishOutcome): Outcome {
  if ('code' in outcome) return { ...outcome };
  if (outcome.repeated === true) return { id: outcome.id, repeated: true };
  return { id: outcome.id, edges: outcome.edges };
}
