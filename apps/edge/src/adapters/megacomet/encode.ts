import { jsonpText, rawMember } from '@halley/shared/protocol';
import type { StreamItem } from '../../core/tail.js';

const decoder = new TextDecoder();

/** The message as MegaComet sends it: a JSON string as its text, anything else as its JSON. */
export function contentOf(item: StreamItem, callback: string | null): string {
  const data = dataOf(item);
  if (callback !== null) return jsonpText(callback, data);
  return data.startsWith('"') ? (JSON.parse(data) as string) : data;
}

function dataOf({ frame }: StreamItem): string {
  const text = typeof frame === 'string' ? frame : decoder.decode(frame);
  return rawMember(text, 'data') ?? 'null';
}
