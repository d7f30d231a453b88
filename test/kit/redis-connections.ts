/** What a test sees of its Redis, wherever the server runs. */

import { Redis } from 'ioredis';

/** Calls per command since the last reset, subcommands as `config|get`, names in lower case. */
export type CommandCalls = Readonly<Record<string, number>>;

export interface TestRedis {
  readonly url: string;
  /** A connection for the test itself. */
  readonly client: Redis;
  /** A further connection; closed by `stop`. */
  connect(): Redis;
  flush(): Promise<void>;
  resetCommandCalls(): Promise<void>;
  commandCalls(): Promise<CommandCalls>;
  stop(): Promise<void>;
}

/** The connections of one test to its Redis. */
export class Connections {
  readonly #url: string;
  readonly #ca: string | undefined;
  readonly #open: Redis[] = [];

  /** @param ca PEM of the authority that signed a `rediss://` server */
  constructor(url: string, ca?: string) {
    this.#url = url;
    this.#ca = ca;
  }

  connect(): Redis {
    const redis = new Redis(this.#url, {
      retryStrategy: (times) => Math.min(times * 20, 200),
      ...(this.#ca !== undefined && { tls: { ca: this.#ca } }),
    });
    redis.on('error', () => undefined); // Tests take Redis away; their calls report it.
    this.#open.push(redis);
    return redis;
  }

  close(): void {
    for (const redis of this.#open) redis.disconnect();
  }

  api(): Omit<TestRedis, 'stop'> {
    const client = this.connect();
    return {
      url: this.#url,
      client,
      connect: () => this.connect(),
      flush: async () => void (await client.flushall()),
      resetCommandCalls: async () => void (await client.config('RESETSTAT')),
      commandCalls: async () => parseCommandStats(await client.info('commandstats')),
    };
  }
}

/** `cmdstat_xadd:calls=21,usec=...` -> `{ xadd: 21 }` */
function parseCommandStats(info: string): CommandCalls {
  const calls: Record<string, number> = {};
  for (const [, command, count] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (command !== undefined) calls[command.toLowerCase()] = Number(count);
  }
  return calls;
}
