/** Reading logs and queues. */

import {
  comparePositions,
  type HistoryPage,
  type HistoryQuery,
  type LogEntry,
  type LogView,
  type Position,
  streamId,
} from '../protocol/index.js';
import type { CommandClient } from './client.js';
import { channelKeys } from './keys.js';
import { callAlone, type Scripts } from './scripts.js';

export async function viewLog(
  scripts: Scripts,
  channel: string,
  after: Position | null,
): Promise<LogView> {
  const { log, top, cut } = channelKeys(channel);
  return parseView(await scripts.run('view-log', [log, top, cut], [after ?? '']));
}

/**
 * The same by calls of one key each, which go through while the channel's slot moves and its keys lie on
 * two nodes. The log is read last: it may have more than the top, which does no harm.
 */
export async function viewLogApart(
  redis: CommandClient,
  channel: string,
  after: Position | null,
): Promise<LogView> {
  const keys = channelKeys(channel);
  const [top, cut] = (await Promise.all([
    callAlone(redis, 'GET', keys.top),
    callAlone(redis, 'GET', keys.cut),
  ])) as [Position | null, Position | null];
  const log = (await callAlone(redis, 'XRANGE', keys.log, '-', '+')) as [string, string[]][];
  const entries = log.map(([id, [, stored = '']]) => parseEntry(id, stored));
  const isCut = cut !== null && after !== null && comparePositions(after, cut) <= 0;
  const at = isCut ? -1 : entries.findIndex(({ id }) => id === after);
  const found = at >= 0;
  return { nowMs: Date.now(), top, cut, found, entries: entries.slice(at + 1) };
}

/** @param reply of `include/view.lua` */
export function parseView(reply: unknown): LogView {
  const [nowMs, top, cut, found, ...flat] = reply as (string | number)[];
  return {
    nowMs: Number(nowMs),
    top: nonEmpty(top),
    cut: nonEmpty(cut),
    found: found === 1,
    entries: parseEntries(flat as string[]),
  };
}

/**
 * A page in ascending order: after a position, before one, or (neither) the newest. Messages older than
 * `ageMs` are not shown.
 */
export function readHistory(
  scripts: Scripts,
  channel: string,
  query: HistoryQuery,
  ageMs: number,
): Promise<HistoryPage> {
  return readStream(scripts, channelKeys(channel), query, ageMs);
}

/** The same for any stream with a top: the log of a channel, the queue of a client. */
export async function readStream(
  scripts: Scripts,
  keys: { readonly log: string; readonly top: string },
  query: HistoryQuery,
  ageMs: number,
): Promise<HistoryPage> {
  const forward = query.after !== undefined;
  const bound = query.after ?? query.before;
  const reply = await scripts.run(
    'history',
    [keys.log, keys.top],
    [
      forward ? 'after' : 'before',
      bound === undefined ? '' : streamId(bound),
      query.limit + 1,
      ageMs,
    ],
  );
  const [nowMs, top, ...flat] = reply as (string | number)[];
  const entries = parseEntries(flat as string[]);
  const more = entries.length > query.limit;
  if (more) entries.splice(forward ? entries.length - 1 : 0, 1);
  return { nowMs: Number(nowMs), top: nonEmpty(top), entries, more };
}

function parseEntries(flat: readonly string[]): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    entries.push(parseEntry(flat[at] as string, flat[at + 1] as string));
  }
  return entries;
}

/** @param stored `<position before> <nonce> <body>` */
function parseEntry(id: string, stored: string): LogEntry {
  const first = stored.indexOf(' ');
  const second = stored.indexOf(' ', first + 1);
  return {
    prev: stored.slice(0, first),
    id: `${id}.${stored.slice(first + 1, second)}`,
    body: stored.slice(second + 1),
  };
}

function nonEmpty(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
