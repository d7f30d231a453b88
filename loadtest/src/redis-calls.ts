/** How often Redis ran each command, those inside of scripts included. */

import type { Redis } from 'ioredis';

export type CommandCalls = Readonly<Record<string, number>>;

/** Since Redis began. */
export async function callsOf(redis: Redis): Promise<CommandCalls> {
  const text = await redis.info('commandstats');
  const lines = [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)];
  return Object.fromEntries(lines.map(([, name, calls]) => [name ?? '', Number(calls)]));
}

export async function callsSince(redis: Redis, before: CommandCalls): Promise<CommandCalls> {
  const after = Object.entries(await callsOf(redis));
  const grown = after.map(([name, calls]) => [name, calls - (before[name] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, calls]) => calls > 0));
}
