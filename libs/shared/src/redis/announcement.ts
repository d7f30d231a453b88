/** What scripts need to write `online` or `offline` into a client's presence channel. */

import { randomBase36 } from '../ops/id.js';
import { messageHead, TOP_TTL_MS } from '../protocol/index.js';
import { channelKeys } from './keys.js';

/** Of the presence channels: messages kept, and how long. */
interface PresenceHistory {
  readonly historySize: number;
  readonly historySeconds: number;
}

/** Arguments of `include/announce.lua` that differ by client: live channel, frame head, nonce. */
export function announcementOf(channel: string): string[] {
  return [channelKeys(channel).live, messageHead(channel), randomBase36(4)];
}

/** Those that are the same for all: history size, history age ms, TTL of top ms. */
export function announcementLimits({ historySize, historySeconds }: PresenceHistory): number[] {
  return [historySize, historySeconds * 1_000, TOP_TTL_MS];
}

/** Arguments of `include/announce.lua` in its order, for one client. */
export function announcementArgs(channel: string, history: PresenceHistory): (string | number)[] {
  return [...announcementOf(channel), ...announcementLimits(history)];
}
