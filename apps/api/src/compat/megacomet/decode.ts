/** Frames as private messages, or what is wrong with them. */

import {
  type Body,
  bodyOf,
  isClientId,
  type RawJson,
  type Refusal,
  rawMember,
  refusal,
} from '@halley/shared/protocol';
import { parseBody } from '../../http/body.js';
import { ClientId, Data, EventName, IdempotencyKey } from '../../http/schemas.js';
import Type, { type Static } from '../../http/typebox.js';
import { bodyCheck } from '../../http/validator.js';
import { PRIVATE_PAYLOAD_MAX_BYTES } from '../../routes/publishing.js';
import type { Frame } from './parser.js';

/** A message that may be published. */
export interface PrivateMessage {
  readonly clientId: string;
  readonly body: Body;
  readonly key?: string | undefined;
}

const Line = Type.Object(
  {
    id: ClientId,
    message: Data,
    event: Type.Optional(EventName),
    key: Type.Optional(IdempotencyKey),
  },
  { additionalProperties: false },
);

const checkLine = bodyCheck(Line, 'the line');
// A byte order mark is part of a message like any other character.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeFrame(frame: Frame): PrivateMessage | Refusal {
  return frame.type === 'line' ? decodeLine(frame.line) : decodeMessage(frame.id, frame.message);
}

function decodeMessage(id: Uint8Array, message: Uint8Array): PrivateMessage | Refusal {
  const clientId = textOf(id);
  if (!isClientId(clientId)) return refusal('bad-client', 'the frame has no client name');
  const text = textOf(message);
  if (text === null) return refusal('bad-frame', 'the message is not valid UTF-8');
  return messageOf(clientId, JSON.stringify(text));
}

function decodeLine(line: Uint8Array): PrivateMessage | Refusal {
  const parsed = parseBody(line);
  if ('code' in parsed) return parsed;
  const wrong = checkLine(parsed.value);
  if (wrong !== null) return wrong;
  const { id, event, key } = parsed.value as Static<typeof Line>;
  return messageOf(id, rawMember(parsed.text, 'message') ?? 'null', event, key);
}

function messageOf(
  clientId: string,
  data: RawJson,
  event?: string,
  key?: string,
): PrivateMessage | Refusal {
  const bytes = Buffer.byteLength(data);
  if (bytes > PRIVATE_PAYLOAD_MAX_BYTES) {
    const allowed = `at most ${PRIVATE_PAYLOAD_MAX_BYTES} are allowed`;
    return refusal('payload-too-large', `the message has ${bytes} bytes as JSON; ${allowed}`);
  }
  return { clientId, body: bodyOf({ data, event }), key };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}
