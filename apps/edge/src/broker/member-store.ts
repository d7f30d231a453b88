import {
  type CommandClient,
  channelKeys,
  joinedKey,
  partitionOfChannel,
  type Scripts,
} from '@halley/shared/redis';
import type { MemberChange, MemberRecord, MemberStore } from '../core/ports/stores.js';
import { asking } from './calls.js';
import type { EdgeIdentity } from './edge-identity.js';

/** Members of channels in Redis. */
export class RedisMemberStore implements MemberStore {
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #edge: EdgeIdentity;

  constructor(redis: CommandClient, scripts: Scripts, edge: EdgeIdentity) {
    this.#redis = redis;
    this.#scripts = scripts;
    this.#edge = edge;
  }

  async set(change: MemberChange): Promise<number> {
    const { channel, member, connections, info, others, announce } = change;
    const { members, live } = channelKeys(channel);
    const joined = joinedKey(partitionOfChannel(channel), this.#edge.id);
    const reply = await asking(this.#redis, () =>
      this.#scripts.run(
        'member',
        [members, joined],
        [
          channel,
          this.#edge.id,
          member,
          connections,
          info ?? '',
          others ? 1 : 0,
          announce ? live : '',
          JSON.stringify(member),
        ],
      ),
    );
    return Number((reply as [number, number])[1]);
  }

  async list(channel: string): Promise<readonly MemberRecord[]> {
    const { members } = channelKeys(channel);
    const hash = await asking(this.#redis, () => this.#redis.hgetall(members));
    return Object.entries(hash)
      .map(([member, value]) => ({ member, info: infoOf(value) }))
      .sort((a, b) => (a.member < b.member ? -1 : 1));
  }
}

/** @param value `edgeA=2,edgeB=1 <info>` */
function infoOf(value: string): string | null {
  const info = value.slice(value.indexOf(' ') + 1);
  return info === '' ? null : info;
}
