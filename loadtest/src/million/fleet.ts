/** One api, one Redis, and as many edges as the connections need. */

import { startApi, startEdge } from '../harness/ours.js';
import type { Program } from '../harness/program.js';
import type { BenchRedis } from '../harness/redis.js';
import { Stoppables } from '../harness/stack.js';
import { yieldToServers } from './priority.js';
import type { MillionSettings } from './settings.js';

const STARTED_AT_ONCE = 2;

export class MillionFleet {
  readonly api: Program;
  readonly redis: BenchRedis;
  /** By index; a spare one comes last. */
  readonly edges: Program[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #all: Stoppables;

  private constructor(all: Stoppables, started: Awaited<ReturnType<typeof startApi>>) {
    this.#all = all;
    this.api = started.api;
    this.redis = started.redis;
    this.#env = started.env;
  }

  /** @param signal ends the start */
  static async start(settings: MillionSettings, signal: AbortSignal): Promise<MillionFleet> {
    const all = new Stoppables();
    const fleet = new MillionFleet(all, await startApi(all, envOf(settings)));
    try {
      const edges = Math.ceil(settings.connections / settings.perEdge);
      while (fleet.edges.length < edges) {
        signal.throwIfAborted();
        const left = Math.min(STARTED_AT_ONCE, edges - fleet.edges.length);
        await Promise.all(Array.from({ length: left }, () => fleet.addEdge()));
      }
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  async addEdge(): Promise<Program> {
    const edge = await startEdge(this.#env);
    yieldToServers(edge);
    this.edges.push(edge);
    return edge;
  }

  /** Without a drain: a minute each would be an hour. */
  async stop(): Promise<void> {
    await Promise.all(
      this.edges.map((edge) => {
        edge.kill();
        return edge.stop();
      }),
    );
    await this.#all.stop();
  }
}

/**
 * Half a hundred edges on two cores wait for each other for seconds while one message goes to all: that
 * must not look like an edge that is dead or overloaded, nor like a Redis that does not answer.
 */
function envOf({ drainSeconds, pingMs }: MillionSettings): Record<string, string> {
  return {
    HALLEY_DRAIN_SECONDS: String(drainSeconds),
    HALLEY_PING_INTERVAL_MS: String(pingMs),
    HALLEY_EDGE_DEAD_MS: '300000',
    HALLEY_REDIS_TIMEOUT_MS: '60000',
    HALLEY_OVERLOAD_LAG_MS: '60000',
  };
}
