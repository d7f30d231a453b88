import { SCRIPT_MAX_MESSAGES } from '../protocol/index.js';
import { Batcher } from './batcher.js';
import type { CommandClient } from './client.js';
import type { ScriptName, Scripts } from './scripts.js';

/** One of many for whom the script runs: its keys, all of its partition, and its arguments. */
export interface ScriptItem {
  readonly partition: number;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/**
 * Runs a script for many at once: in a Cluster one call per partition. For scripts that take keys and
 * arguments item after item, return a reply for each, and do no harm when they are repeated.
 */
export class BatchedScript {
  readonly #scripts: Scripts;
  readonly #name: ScriptName;
  readonly #head: () => readonly (string | number)[];
  readonly #batcher: Batcher<ScriptItem, unknown>;

  /** @param head arguments before those of the items */
  constructor(
    redis: CommandClient,
    scripts: Scripts,
    name: ScriptName,
    head: () => readonly (string | number)[],
  ) {
    this.#scripts = scripts;
    this.#name = name;
    this.#head = head;
    const groupOf = redis.isCluster ? (item: ScriptItem) => item.partition : () => 0;
    this.#batcher = new Batcher(SCRIPT_MAX_MESSAGES, groupOf, (items) => this.#call(items));
  }

  /** @throws whatever the call throws */
  run(item: ScriptItem): Promise<unknown> {
    return this.#batcher.add(item);
  }

  async #call(items: readonly ScriptItem[]): Promise<readonly unknown[]> {
    const keys = items.flatMap((item) => item.keys);
    const args = items.flatMap((item) => item.args);
    try {
      return (await this.#scripts.run(this.#name, keys, [...this.#head(), ...args])) as unknown[];
    } catch (error) {
      // Redis did not take it: the keys of one may lie on two nodes, or be what they should not.
      if (items.length === 1 || !isReply(error)) throw error;
      return items.map(async (item) => (await this.#call([item]))[0]);
    }
  }
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
