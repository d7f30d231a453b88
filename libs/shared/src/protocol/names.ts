import { CHANNEL_NAME_MAX_BYTES, CLIENT_ID_MAX_BYTES } from './limits.js';

/** Channels that carry the presence of one client: `@client:<escaped clientId>`. */
export const CLIENT_CHANNEL_PREFIX = '@client:';

const CHANNEL_PATTERN = /^[A-Za-z0-9_\-=@,.;:~]+$/;
const ESCAPED = /~([0-9A-F]{2})/g;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

const encoder = new TextEncoder();
// A byte order mark is part of the name like any other character.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function isChannel(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0) return false;
  if (!CHANNEL_PATTERN.test(value)) return false;
  if (value.startsWith(CLIENT_CHANNEL_PREFIX)) return clientOfChannel(value) !== null;
  return value.length <= CHANNEL_NAME_MAX_BYTES;
}

/** 1-200 bytes of UTF-8 without control characters or lone surrogates. */
export function isClientId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0) return false;
  if (value.length > CLIENT_ID_MAX_BYTES || CONTROL.test(value)) return false;
  return value.isWellFormed() && utf8Length(value) <= CLIENT_ID_MAX_BYTES;
}

/** The part before the first `:`; `""` for a name without one. */
export function namespaceOf(channel: string): string {
  const colon = channel.indexOf(':');
  return colon === -1 ? '' : channel.slice(0, colon);
}

/** Any name as channel characters: every other byte of its UTF-8, and `~` itself, as `~XX`. */
export function escapeName(name: string): string {
  if (CHANNEL_PATTERN.test(name) && !name.includes('~')) return name;
  let escaped = '';
  for (const byte of encoder.encode(name)) {
    const char = String.fromCharCode(byte);
    const plain = byte < 128 && char !== '~' && CHANNEL_PATTERN.test(char);
    escaped += plain ? char : `~${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

/** The inverse of `escapeName`, or null where the text is no escaped name. */
export function unescapeName(escaped: string): string | null {
  if (!escaped.includes('~')) return escapeName(escaped) === escaped ? escaped : null;
  if (escaped.replace(ESCAPED, '').includes('~')) return null;
  const binary = escaped.replace(ESCAPED, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  try {
    const name = decoder.decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
    // One name has one spelling: another one would reach the same client by a second channel.
    return escapeName(name) === escaped ? name : null;
  } catch {
    return null;
  }
}

export function clientChannel(clientId: string): string {
  return CLIENT_CHANNEL_PREFIX + escapeName(clientId);
}

/** The client whose presence this channel carries, or null for any other channel. */
export function clientOfChannel(channel: string): string | null {
  if (!channel.startsWith(CLIENT_CHANNEL_PREFIX)) return null;
  const clientId = unescapeName(channel.slice(CLIENT_CHANNEL_PREFIX.length));
  return isClientId(clientId) ? clientId : null;
}

/** Of well-formed text. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Both halves of a pair have two each.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
