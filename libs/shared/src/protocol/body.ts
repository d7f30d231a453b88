/**
 * The body of a message: the members `data`, `event`, `clientId` and `connectionId` of its frame as
 * JSON text without the braces. It is built once where the message comes in; from there every frame
 * and every log entry is made by putting text around it.
 */

import type { RawJson } from './json-span.js';
import type { Position } from './position.js';

export type Body = string;

export interface MessageParts {
  readonly data: RawJson;
  readonly event?: string | undefined;
  readonly clientId?: string | undefined;
  readonly connectionId?: string | undefined;
}

export function bodyOf(parts: MessageParts): Body {
  let body = `"data":${parts.data}`;
  if (parts.event !== undefined) body += `,"event":${JSON.stringify(parts.event)}`;
  if (parts.clientId !== undefined) body += `,"clientId":${JSON.stringify(parts.clientId)}`;
  if (parts.connectionId !== undefined) body += `,"connectionId":"${parts.connectionId}"`;
  return body;
}

/** Text of a `message` frame around its channel, up to its id; channel names need no escaping. */
export const AROUND_CHANNEL = ['{"type":"message","channel":"', '","id":"'] as const;

/** Text of a `message` frame up to its id. */
export function messageHead(channel: string): string {
  return AROUND_CHANNEL[0] + channel + AROUND_CHANNEL[1];
}

export const PRIVATE_HEAD = '{"type":"private","id":"';

/** A finished frame out of its head, as the publish script joins it too. */
export function frameOf(head: string, id: Position, body: Body): string {
  return `${head}${id}",${body}}`;
}

/** The message object of history answers. */
export function historyItem(id: Position, body: Body): RawJson {
  return `{"id":"${id}",${body}}`;
}
