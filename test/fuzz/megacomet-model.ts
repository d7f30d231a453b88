/**
 * What a whole stream of bytes to the MegaComet manager means, found by one expression over all of it: the
 * second opinion to a parser that sees it in pieces.
 */

/** One frame: published as this, or refused with this code (`field` for both codes of a field). */
export type Meaning =
  | {
      readonly clientId: string;
      readonly data: unknown;
      readonly event?: unknown;
      readonly key?: string;
    }
  | string;

export interface StreamMeaning {
  readonly frames: Meaning[];
  readonly skippedBytes: number;
}

export interface ModelLimits {
  readonly idMaxBytes: number;
  readonly messageMaxBytes: number;
  readonly lineMaxBytes: number;
}

/** Bytes of `data`, whichever way it came. */
const DATA_MAX_BYTES = 65_536;

/** Over the bytes as Latin-1, so that a character is a byte. */
const GRAMMAR = new RegExp(
  [
    '(?<worker>\\x01(?:[^]|$))',
    '\\x02(?<id>[^\\0]*)\\0(?<message>[^\\0]*)\\0',
    '(?<torn>\\x02[^]*$)',
    '(?<broken>\\{[^\\n\\x01\\x02]*(?=[\\x01\\x02]))',
    '(?<line>\\{[^\\n\\x01\\x02]*)(?:\\n|$)',
    '(?<other>[^])',
  ].join('|'),
  'gy',
);

export function meaningOf(stream: Buffer, limits: ModelLimits): StreamMeaning {
  const frames: Meaning[] = [];
  let skippedBytes = 0;
  for (const { groups = {} } of stream.toString('latin1').matchAll(GRAMMAR)) {
    const { id, message, torn, broken, line, other } = groups;
    if (id !== undefined && message !== undefined)
      frames.push(meaningOfBinary(id, message, limits));
    if (torn !== undefined) frames.push('bad-frame');
    if (broken !== undefined) frames.push('bad-json');
    if (line !== undefined) frames.push(meaningOfLine(line, limits));
    if (other !== undefined) skippedBytes += 1;
  }
  return { frames, skippedBytes };
}

function meaningOfBinary(id: string, message: string, limits: ModelLimits): Meaning {
  if (id.length > limits.idMaxBytes) return 'bad-client';
  if (message.length > limits.messageMaxBytes) return 'payload-too-large';
  const clientId = utf8(id);
  if (clientId === null || !isName(clientId)) return 'bad-client';
  const data = utf8(message);
  if (data === null) return 'bad-frame';
  const isTooLong = Buffer.byteLength(JSON.stringify(data)) > DATA_MAX_BYTES;
  return isTooLong ? 'payload-too-large' : { clientId, data };
}

function meaningOfLine(line: string, limits: ModelLimits): Meaning {
  if (line.length > limits.lineMaxBytes) return 'frame-too-large';
  const text = utf8(line);
  const fields = text === null ? null : parsed(text);
  if (fields === null) return 'bad-json';
  const { id, message, event, key, ...others } = fields;
  const isRight =
    isName(id) &&
    'message' in fields &&
    (!('event' in fields) || isLabel(event, 100)) &&
    (!('key' in fields) || isLabel(key, 200)) &&
    Object.keys(others).length === 0;
  if (!isRight) return 'field';
  return {
    clientId: id,
    data: message,
    ...('event' in fields && { event }),
    ...(typeof key === 'string' && { key }),
  };
}

/** Bytes that are UTF-8 are what their text is made of. */
function utf8(latin1: string): string | null {
  const bytes = Buffer.from(latin1, 'latin1');
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : null;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function isName(value: unknown): value is string {
  if (typeof value !== 'string' || !value.isWellFormed()) return false;
  const bytes = Buffer.byteLength(value);
  return bytes >= 1 && bytes <= 200 && !/\p{Cc}/u.test(value);
}

function isLabel(value: unknown, maxChars: number): boolean {
  if (typeof value !== 'string' || !value.isWellFormed()) return false;
  return value.length >= 1 && value.length <= maxChars && !/[\0-\x1f\x7f]/.test(value);
}
