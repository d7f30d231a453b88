/** What every call that publishes has in common. */

import {
  type PublishOutcome,
  type RawJson,
  type Refusal,
  rawMember,
  refusal,
} from '@halley/shared/protocol';
import { reply } from '../http/route.js';
import { PositionText } from '../http/schemas.js';
import Type from '../http/typebox.js';

/** Bytes of the data of a private message; clients' queues have no namespace to say otherwise. */
export const PRIVATE_PAYLOAD_MAX_BYTES = 65_536;

/** Refusals of a write to the store. */
export const STORE_CODES = ['overloaded', 'unavailable', 'outcome-unknown'] as const;

export const Published = Type.Object({
  id: PositionText,
  edges: Type.Integer({ minimum: 0, description: 'Edges that took the message; not a receipt.' }),
});

export const Repeated = Type.Object(
  { id: PositionText, repeated: Type.Literal(true) },
  { description: 'The key was used before: the id of the first message. Nothing was sent.' },
);

/**
 * The posted bytes of `data`.
 * @param text a checked body
 * @param from where the object that holds `data` starts
 */
export function dataOf(text: string, from: number, maxBytes: number): RawJson | Refusal {
  const data = rawMember(text, 'data', from) ?? 'null';
  // A character has at most three bytes per UTF-16 unit: most texts need not be measured.
  if (data.length * 3 <= maxBytes) return data;
  const bytes = Buffer.byteLength(data);
  if (bytes <= maxBytes) return data;
  return refusal(
    'payload-too-large',
    `"data" has ${bytes} bytes; at most ${maxBytes} are allowed here`,
    'data',
  );
}

type PublishAnswer =
  | { readonly status: 201; readonly body: { id: string; edges: number } }
  | { readonly status: 200; readonly body: { id: string; repeated: true } }
  | Refusal;

export function publishAnswer(outcome: PublishOutcome): PublishAnswer {
  if ('code' in outcome) return outcome;
  const { id, edges } = outcome;
  if (outcome.repeated === true) return reply(200, { id, repeated: true as const });
  return reply(201, { id, edges });
}
