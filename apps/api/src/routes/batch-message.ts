/** One message of a batch and its result: shapes, targets, outcome. */

import {
  CODES,
  type Code,
  type PublishOutcome,
  type Refusal,
  refusal,
} from '@halley/shared/protocol';
import {
  ChannelName,
  ClientId,
  Count,
  Data,
  EventName,
  IdempotencyKey,
  PositionText,
} from '../http/schemas.js';
import Type, { type Static } from '../http/typebox.js';
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

/** @returns the one target of `channel` or `client`, those of a list, or what is wrong with them */
export function targetsOf(message: BatchMessage): Target | readonly Target[] | Refusal {
  let field: (typeof TARGETS)[number] | undefined;
  for (const name of TARGETS) {
    if (message[name] === undefined) continue;
    if (field !== undefined) {
      return refusal('bad-field', `"${name}" does not go together with "${field}"`, name);
    }
    field = name;
  }
  if (field === undefined) {
    return refusal('missing-field', `one of ${TARGETS.join(', ')} is needed`, 'channel');
  }
  const { channel, channels = [], client, clients = [] } = message;
  if (channel !== undefined) return { kind: 'channel', name: channel };
  if (client !== undefined) return { kind: 'client', name: client };
  return [
    ...channels.map((name) => ({ kind: 'channel', name }) as const),
    ...clients.map((name) => ({ kind: 'client', name }) as const),
  ];
}

/** Messages that an element stands for, counted before anything else is known of it. */
export function targetCount(element: unknown): number {
  if (typeof element !== 'object' || element === null) return 1;
  const { channels, clients } = element as { channels?: unknown; clients?: unknown };
  return Math.max(1, lengthOf(channels), lengthOf(clients));
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

export function outcomeOf(outcome: PublishOutcome): Outcome {
  if ('code' in outcome) return { ...outcome };
  if (outcome.repeated === true) return { id: outcome.id, repeated: true };
  return { id: outcome.id, edges: outcome.edges };
}
