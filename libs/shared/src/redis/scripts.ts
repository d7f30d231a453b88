/**
 * The Lua scripts with types around them. Nobody calls `eval` elsewhere. `defineCommand` runs them by
 * EVALSHA and loads them again after a SCRIPT FLUSH or a failover without anybody noticing.
 */

import { readFileSync } from 'node:fs';
import type { CommandClient } from './client.js';

const LUA_FOLDER = new URL('../../src/redis/lua/', import.meta.url);
const INCLUDE = /^--@include (\w+)$/gm;

const NAMES = [
  'publish',
  'publish-private',
  'view-log',
  'history',
  'clear',
  'listen',
  'connect',
  'disconnect',
  'offline',
  'acked',
  'member',
  'probe',
] as const;

export type ScriptName = (typeof NAMES)[number];
type Argument = string | number | Buffer;
type Command = (keyCount: number, ...args: Argument[]) => Promise<unknown>;

/** The whole text of a script, its includes put in. */
export function scriptText(name: ScriptName): string {
  const text = readFileSync(new URL(`${name}.lua`, LUA_FOLDER), 'utf8');
  return text.replace(INCLUDE, (_, include: string) =>
    readFileSync(new URL(`include/${include}.lua`, LUA_FOLDER), 'utf8'),
  );
}

export class Scripts {
  readonly #commands = new Map<ScriptName, Command>();

  constructor(redis: CommandClient) {
    for (const name of NAMES) {
      const command = `halley-${name}`;
      redis.defineCommand(command, { lua: scriptText(name) });
      const method = Reflect.get(redis, command) as Command;
      this.#commands.set(name, method.bind(redis));
    }
  }

  /** @throws whatever ioredis throws; `refusalOf` says what it means for the caller. */
  run(name: ScriptName, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const command = this.#commands.get(name);
    if (command === undefined) throw new Error(`no script ${name}`);
    return command(keys.length, ...keys, ...args);
  }
}
