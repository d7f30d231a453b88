/**
 * The Lua scripts with types around them. Nobody calls `eval` elsewhere. `defineCommand` runs them by
 * EVALSHA and loads them again after a SCRIPT FLUSH or a failover without anybody noticing.
 */

import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';
import { NOT_SENT_TEXT } from './errors.js';
import { lossesOf } from './losses.js';

const LUA_FOLDER = new URL('../../src/redis/lua/', import.meta.url);
const INCLUDE = /^--@include (\w+)$/gm;

/** Keys of each script, which its file's name ends in; null: as many as there are items. */
const KEY_COUNTS = {
  publish: null,
  'publish-private': null,
  'view-log': 3,
  history: 2,
  clear: 1,
  listen: 6,
  connect: null,
  disconnect: null,
  offline: 5,
  acked: 2,
  member: 2,
  probe: 1,
  locate: 3,
  'dps-note': 1,
  sign: 3,
  look: 2,
  bury: 1,
  'sweep-presence': 2,
  'sweep-members': 2,
  'sweep-subscribers': null,
  trim: 1,
  lease: 1,
} as const satisfies Record<string, number | null>;

export type ScriptName = keyof typeof KEY_COUNTS;

export const SCRIPT_NAMES = Object.keys(KEY_COUNTS) as ScriptName[];

/**
 * Scripts that ioredis must not put into its pipelines: they are batches already, and of a number of keys
 * that varies it takes the number for the first key, and in a Cluster asks the wrong master. And others
 * whose place among the commands matters.
 */
export const UNPIPELINED_COMMANDS = [
  ...SCRIPT_NAMES.filter((name) => KEY_COUNTS[name] === null).map(commandOf),
  'eval',
  // It holds for the command after it, which would overtake it.
  'asking',
];
type Argument = string | number | Buffer;
type Command = (...args: Argument[]) => Promise<unknown>;

/** The whole text of a script, its includes put in. */
export function scriptText(name: ScriptName): string {
  const keyCount = KEY_COUNTS[name];
  const file = keyCount === null ? `${name}.lua` : `${name}-${keyCount}.lua`;
  const text = readFileSync(new URL(file, LUA_FOLDER), 'utf8');
  return text.replace(INCLUDE, (_, include: string) =>
    readFileSync(new URL(`include/${include}.lua`, LUA_FOLDER), 'utf8'),
  );
}

export class Scripts {
  readonly #redis: Redis | Cluster;
  readonly #commands = new Map<ScriptName, Command>();
  readonly #texts = new Map<ScriptName, string>();

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    for (const name of SCRIPT_NAMES) {
      const keyCount = KEY_COUNTS[name];
      const lua = scriptText(name);
      this.#texts.set(name, lua);
      redis.defineCommand(commandOf(name), {
        lua,
        ...(keyCount !== null && { numberOfKeys: keyCount }),
      });
      const method = Reflect.get(redis, commandOf(name)) as Command;
      this.#commands.set(name, method.bind(redis));
    }
  }

  /** @throws whatever ioredis throws; `refusalOf` says what it means for the caller. */
  async run(
    name: ScriptName,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const lossesBefore = lossesOf(this.#redis);
    try {
      return await this.#call(name, keys, args);
    } catch (error) {
      if (isClosed(error) && this.#redis.isCluster && lossesOf(this.#redis) === lossesBefore) {
        throw new Error(NOT_SENT_TEXT, { cause: error });
      }
      // Nothing ran. A text cannot miss, and what is in no pipeline follows a slot that moves: of a
      // pipeline ioredis repeats nothing unless all of it was refused alike.
      const text = this.#texts.get(name);
      if (text === undefined || !wasRefused(error)) throw error;
      return this.#redis.eval(text, keys.length, ...keys, ...args);
    }
  }

  #call(name: ScriptName, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const command = this.#commands.get(name);
    const keyCount = KEY_COUNTS[name];
    if (command === undefined) throw new Error(`no script ${name}`);
    if (keyCount === null) return command(keys.length, ...keys, ...args);
    if (keys.length !== keyCount) throw new Error(`${name} takes ${keyCount} keys`);
    return command(...keys, ...args);
  }
}

const ALONE = 'return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))';

/** One command on one key in no pipeline: this goes through while the key's slot moves. */
export function callAlone(
  redis: Redis | Cluster,
  command: string,
  key: string,
  ...args: readonly Argument[]
): Promise<unknown> {
  return redis.eval(ALONE, 1, key, command, ...args);
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && error.message === 'Connection is closed.';
}

function wasRefused(error: unknown): boolean {
  return error instanceof Error && /^(?:NOSCRIPT|MOVED|ASK|TRYAGAIN)\b/.test(error.message);
}

function commandOf(name: ScriptName): string {
  return `halley-${name}`;
}
