/** The steps of taking a dead edge out of Redis: each is one bounded call, and may be repeated. */

import type { CommandClient } from './client.js';
import {
  channelKeys,
  channelsKey,
  EDGES_KEY,
  heartbeatKey,
  joinedKey,
  LAST_LOOK_KEY,
  lastSeenKey,
  occupancyChannel,
  presenceKey,
  tombstoneKey,
} from './keys.js';
import type { Scripts } from './scripts.js';

/** Entries that one call looks at; 6 ms of Redis at most [measured]. */
export const SWEEP_STEP_ENTRIES = 1_000;
/** Channels of one call: each costs a key. */
export const SWEEP_STEP_CHANNELS = 500;
const TOMBSTONE_TTL_MS = 3_600_000;
const LOOK_TTL_MS = 60_000;

export interface DeadEdge {
  readonly edgeId: string;
  /** Its last heartbeat, unix ms by the edge's clock, as Redis spells it: one of another time is another death. */
  readonly beat: string;
}

/** `buried`: calls of the edge may still be under way; `passed`: once swept; `swept`: once more after those calls. */
export type GraveState = 'buried' | 'passed' | 'swept';

export interface Grave extends DeadEdge {
  readonly state: GraveState;
  /** Unix ms by Redis' clock; `lastseen` of the clients that went with the edge. */
  readonly seenMs: number;
}

/** The last heartbeats by edgeId. @throws whatever ioredis throws, also where Redis refuses to write */
export async function lookAtEdges(
  scripts: Scripts,
  observer: string,
): Promise<Map<string, string>> {
  const flat = (await scripts.run(
    'look',
    [EDGES_KEY, LAST_LOOK_KEY],
    [observer, LOOK_TTL_MS],
  )) as string[];
  const beats = new Map<string, string>();
  for (let at = 0; at + 1 < flat.length; at += 2) beats.set(flat[at] ?? '', flat[at + 1] ?? '');
  return beats;
}

/**
 * The grave of an edge; dug if there is none and the edge has not been heard of since.
 * @param silentMs how long it was silent at least
 * @returns null where the edge lives, or has left
 */
export async function buryEdge(
  redis: CommandClient,
  scripts: Scripts,
  { edgeId, beat }: DeadEdge,
  silentMs: number,
): Promise<Grave | null> {
  const stored = await redis.get(tombstoneKey(edgeId));
  if (stored?.split(' ')[0] !== beat && (await redis.zscore(EDGES_KEY, edgeId)) !== beat) {
    return null;
  }
  const grave = await mark(scripts, { edgeId, beat }, silentMs, '');
  await redis.del(heartbeatKey(edgeId));
  return grave;
}

/** Notes how far the sweep of an edge has come. */
export async function markGrave(scripts: Scripts, grave: Grave, state: GraveState): Promise<void> {
  await mark(scripts, grave, Math.max(0, Date.now() - grave.seenMs), state);
}

async function mark(
  scripts: Scripts,
  { edgeId, beat }: DeadEdge,
  silentMs: number,
  state: GraveState | '',
): Promise<Grave> {
  const reply = await scripts.run(
    'bury',
    [tombstoneKey(edgeId)],
    [beat, silentMs, TOMBSTONE_TTL_MS, state],
  );
  const [seenMs, stands] = reply as [string, GraveState];
  return { edgeId, beat, seenMs: Number(seenMs), state: stands };
}

export interface PresenceStep {
  readonly cursor: string;
  /** Clients that are gone with their last edge. */
  readonly gone: number;
}

export async function sweepPresence(
  scripts: Scripts,
  partition: number,
  graves: readonly Grave[],
  cursor: string,
): Promise<PresenceStep> {
  const reply = await scripts.run(
    'sweep-presence',
    [presenceKey(partition), lastSeenKey(partition)],
    [cursor, SWEEP_STEP_ENTRIES, ...graves.flatMap(({ edgeId, seenMs }) => [edgeId, seenMs])],
  );
  const [next, , gone] = reply as [string, number, number];
  return { cursor: next, gone };
}

/** @returns members that left */
export async function sweepMembers(
  scripts: Scripts,
  partition: number,
  edgeId: string,
  channel: string,
  announce: boolean,
): Promise<number> {
  const { members, live } = channelKeys(channel);
  const keys = [members, joinedKey(partition, edgeId)];
  let cursor = '0';
  let left = 0;
  do {
    const args = [channel, edgeId, cursor, SWEEP_STEP_ENTRIES, announce ? live : ''];
    const [next, some] = (await scripts.run('sweep-members', keys, args)) as [string, number];
    cursor = next;
    left += some;
  } while (cursor !== '0');
  return left;
}

/** @returns channels that nobody holds any more */
export async function sweepSubscribers(
  scripts: Scripts,
  partition: number,
  edgeIds: readonly string[],
  channels: readonly string[],
): Promise<number> {
  const reply = await scripts.run(
    'sweep-subscribers',
    [channelsKey(partition), ...channels.map((channel) => channelKeys(channel).subscribers)],
    [occupancyChannel(partition), edgeIds.length, ...edgeIds, ...channels],
  );
  return (reply as [number, number])[1];
}

/** Removes the entries of a sorted set up to a score. @returns how many there were */
export async function trimSortedSet(
  scripts: Scripts,
  key: string,
  maxScore: number,
): Promise<number> {
  let total = 0;
  for (;;) {
    const args = [Math.floor(maxScore), SWEEP_STEP_ENTRIES];
    const removed = Number(await scripts.run('trim', [key], args));
    total += removed;
    if (removed < SWEEP_STEP_ENTRIES) return total;
  }
}

/** The live channels of a partition, page by page. */
export async function* pagesOfChannels(
  redis: CommandClient,
  partition: number,
): AsyncGenerator<string[]> {
  let from = '-';
  for (;;) {
    const page = await redis.zrangebylex(
      channelsKey(partition),
      from,
      '+',
      'LIMIT',
      0,
      SWEEP_STEP_CHANNELS,
    );
    if (page.length > 0) yield page;
    if (page.length < SWEEP_STEP_CHANNELS) return;
    from = `(${page.at(-1)}`;
  }
}
