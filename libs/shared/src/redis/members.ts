/** Reads the members of a channel. */

import type { RawJson } from '../protocol/index.js';
import type { CommandClient } from './client.js';
import { channelKeys } from './keys.js';

/** Fields of one HSCAN step: more would hold up everybody else on that Redis. */
const SCAN_COUNT = 1_000;

export interface MemberPage {
  /** Of the whole channel. */
  readonly count: number;
  readonly members: readonly StoredMember[];
  readonly more: boolean;
}

export interface StoredMember {
  /** The connectionId of a nameless one. */
  readonly member: string;
  readonly info: RawJson | null;
  readonly connections: number;
}

/** In ascending order of their names (by UTF-16 code units). */
export async function readMembers(
  redis: CommandClient,
  channel: string,
  after: string | undefined,
  limit: number,
): Promise<MemberPage> {
  const stored = await scan(redis, channelKeys(channel).members);
  const names = [...stored.keys()].filter((name) => after === undefined || name > after).sort();
  const members = names.slice(0, limit).map((name) => parseMember(name, stored.get(name) ?? ''));
  return { count: stored.size, members, more: names.length > limit };
}

/** @param value `edgeA=2,edgeB=1 <info>`, as lua/member-2.lua writes it */
function parseMember(member: string, value: string): StoredMember {
  const space = value.indexOf(' ');
  const counts = value.slice(0, space).split(',');
  const connections = counts.reduce((total, text) => total + Number(text.split('=')[1] ?? 0), 0);
  return { member, info: value.slice(space + 1) || null, connections };
}

async function scan(redis: CommandClient, key: string): Promise<Map<string, string>> {
  const fields = new Map<string, string>();
  let cursor = '0';
  do {
    const [next, flat] = await redis.hscan(key, cursor, 'COUNT', SCAN_COUNT);
    for (let at = 0; at + 1 < flat.length; at += 2) fields.set(flat[at] ?? '', flat[at + 1] ?? '');
    cursor = next;
  } while (cursor !== '0');
  return fields;
}
