/** A fleet for all tests of a `describe` block: started before the first, stopped after the last. */

import { signToken, type TokenRequest } from '@halley/shared/auth';
import { afterAll, beforeAll } from 'vitest';
import { type EdgeProcess, type Fleet, type FleetOptions, startFleet } from './fleet.js';
import { type PrivateRedis, startPrivateRedis } from './redis.js';
import { RestClient } from './rest.js';

/** The token secret of development mode. */
export const TOKEN_SECRET = 'dev-secret';

/** What the tests of one block share; only valid while they run. */
export class FleetUnderTest {
  readonly #options: Omit<FleetOptions, 'redisUrl'>;
  #parts: { redis: PrivateRedis; fleet: Fleet; rest: RestClient } | undefined;

  constructor(options: Omit<FleetOptions, 'redisUrl'>) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const redis = await startPrivateRedis();
    try {
      const fleet = await startFleet({ redisUrl: redis.url, ...this.#options });
      this.#parts = { redis, fleet, rest: new RestClient(fleet.api().url) };
    } catch (error) {
      await redis.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.#parts === undefined) return; // The start has failed, and said why.
    const { redis, fleet, rest } = this.#parts;
    await rest.close();
    try {
      await fleet.stop();
    } finally {
      await redis.stop();
    }
  }

  get redis(): PrivateRedis {
    return this.#started.redis;
  }

  get fleet(): Fleet {
    return this.#started.fleet;
  }

  /** The API with the key of development mode. */
  get rest(): RestClient {
    return this.#started.rest;
  }

  edge(index = 0): EdgeProcess {
    return this.fleet.edge(index);
  }

  /** Address of the native wire of an edge. */
  ws(index = 0): string {
    return this.edge(index).wsUrl;
  }

  get #started() {
    if (this.#parts === undefined) throw new Error('the fleet is not running');
    return this.#parts;
  }
}

export function useFleet(options: Omit<FleetOptions, 'redisUrl'> = {}): FleetUnderTest {
  const fleet = new FleetUnderTest(options);
  beforeAll(() => fleet.start());
  afterAll(() => fleet.stop());
  return fleet;
}

/** An HS256 token of development mode. @param nowMs when it is said to be signed */
export function tokenFor(
  clientId: string,
  claims: Omit<TokenRequest, 'clientId'> = {},
  nowMs?: number,
): string {
  return signToken(TOKEN_SECRET, { clientId, ...claims }, nowMs).token;
}

/** What a token says, without looking at its signature. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

let lastName = 0;

/** A channel that no other test of the file uses. */
export function channelIn(namespace: string): string {
  lastName += 1;
  return namespace === '' ? `c${lastName}` : `${namespace}:c${lastName}`;
}
