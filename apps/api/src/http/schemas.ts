/** Schemas that many calls share. Their formats are the protocol's own checks. */

import { TOKEN_PATTERN_MAX_BYTES } from '@halley/shared/auth';
import {
  CHANNEL_NAME_MAX_BYTES,
  CLIENT_ID_MAX_BYTES,
  EVENT_MAX_CHARS,
  IDEMPOTENCY_KEY_MAX_CHARS,
  isChannel,
  isClientId,
  isPosition,
} from '@halley/shared/protocol';
import Type, { Format } from './typebox.js';

const CONTROL = /[\u0000-\u001f\u007f]/;

/** What a refusal says after "must be". */
export const ALLOWED = {
  channel: `a channel name: 1-${CHANNEL_NAME_MAX_BYTES} characters of A-Z a-z 0-9 _ - = @ , . ; : ~`,
  'client-id': `a client name: 1-${CLIENT_ID_MAX_BYTES} bytes of UTF-8 without control characters`,
  'channel-pattern': `a text of 1-${TOKEN_PATTERN_MAX_BYTES} bytes`,
  position: 'a position as Halley gave it',
  'event-name': `a text of 1-${EVENT_MAX_CHARS} characters without control characters`,
  'idempotency-key': `a text of 1-${IDEMPOTENCY_KEY_MAX_CHARS} characters without control characters`,
} as const;

Format.Set('channel', isChannel);
Format.Set('channel-pattern', isPattern);
Format.Set('client-id', isClientId);
Format.Set('position', isPosition);
Format.Set('event-name', (value) => isText(value, EVENT_MAX_CHARS));
Format.Set('idempotency-key', (value) => isText(value, IDEMPOTENCY_KEY_MAX_CHARS));

function isPattern(value: string): boolean {
  const isLongEnough = value.length > 0 && value.isWellFormed();
  return isLongEnough && Buffer.byteLength(value) <= TOKEN_PATTERN_MAX_BYTES;
}

function isText(value: string, maxChars: number): boolean {
  return (
    value.length > 0 && value.length <= maxChars && !CONTROL.test(value) && value.isWellFormed()
  );
}

export const ChannelName = Type.String({
  format: 'channel',
  description: `1-${CHANNEL_NAME_MAX_BYTES} characters of \`A-Z a-z 0-9 _ - = @ , . ; : ~\`.`,
});
export const ChannelPattern = Type.String({
  format: 'channel-pattern',
  description: 'A channel name; `*` at the end is any rest, `{sub}` the name of the client.',
});
export const ClientId = Type.String({
  format: 'client-id',
  description: `1-${CLIENT_ID_MAX_BYTES} bytes of UTF-8 without control characters.`,
});
export const PositionText = Type.String({
  format: 'position',
  description: 'Where a stream was read up to; opaque but for the unix ms before the first `-`.',
});
export const EventName = Type.String({ format: 'event-name' });
export const IdempotencyKey = Type.String({
  format: 'idempotency-key',
  description: 'A repetition within 5 minutes is answered with the first message’s id.',
});
export const Data = Type.Unknown({ description: 'Any JSON value; delivered byte for byte.' });

/** Unix ms. */
export const UnixMs = Type.Integer({ minimum: 0, description: 'Unix time, ms.' });
/** Unix seconds. */
export const UnixSeconds = Type.Integer({ minimum: 0, description: 'Unix time, seconds.' });
export const Count = Type.Integer({ minimum: 0 });

export const Message = Type.Object({
  id: PositionText,
  data: Data,
  event: Type.Optional(EventName),
  clientId: Type.Optional(Type.String({ description: 'The sender, where one was named.' })),
  connectionId: Type.Optional(Type.String()),
});
