import {
  type CommandClient,
  channelKeys,
  joinedKey,
  partitionOfChannel,
  readMembers,
  type Scripts,
} from '@halley/shared/redis';
import type { MemberChange, MemberPage, MemberStore } from '../core/ports/stores.js';
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

  page(channel: string, after: string | undefined, limit: number): Promise<MemberPage> {
    return asking(this.#redis, () => readMembers(this.#redis, channel, after, limit));
  }
}
