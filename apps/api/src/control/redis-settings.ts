/** Looks at the settings of Redis that Halley depends on, and says which ones differ. */

import type { CommandClient } from '@halley/shared/redis';

interface Expectation {
  readonly setting: string;
  readonly wanted: string;
  readonly why: string;
  isMet(value: string): boolean;
}

const PUBSUB_HARD_MIN_BYTES = 256 * 1_048_576;

const EXPECTATIONS: readonly Expectation[] = [
  {
    setting: 'maxmemory-policy',
    wanted: 'noeviction',
    why: 'any other policy deletes queues and logs that were accepted',
    isMet: (value) => value === 'noeviction',
  },
  {
    setting: 'stream-node-max-bytes',
    wanted: '512',
    why: 'the default takes five times the memory for short logs',
    isMet: (value) => Number(value) > 0 && Number(value) <= 1_024,
  },
  {
    setting: 'client-output-buffer-limit',
    wanted: 'pubsub 256mb 64mb 60',
    why: 'a burst larger than the limit cuts every edge off',
    isMet: (value) => {
      const hard = Number(/pubsub (\d+)/.exec(value)?.[1]);
      return hard === 0 || hard >= PUBSUB_HARD_MIN_BYTES;
    },
  },
];

/** One line per setting that differs, or one that says that Redis does not tell. */
export async function checkRedisSettings(redis: CommandClient): Promise<string[]> {
  const warnings: string[] = [];
  for (const { setting, wanted, why, isMet } of EXPECTATIONS) {
    const value = await readSetting(redis, setting);
    if (value === null) {
      const names = EXPECTATIONS.map((expected) => `${expected.setting} ${expected.wanted}`);
      return [`Redis does not let CONFIG GET be used; it should have: ${names.join('; ')}`];
    }
    if (!isMet(value)) {
      warnings.push(`Redis has ${setting} "${value}"; it should be "${wanted}": ${why}`);
    }
  }
  return warnings;
}

/** Managed Redis often refuses CONFIG; what the refusal says does not matter. */
async function readSetting(redis: CommandClient, setting: string): Promise<string | null> {
  try {
    const reply = await redis.config('GET', setting);
    const [, value] = Array.isArray(reply)
      ? (reply as unknown[])
      : (Object.entries(reply as object)[0] ?? []);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
