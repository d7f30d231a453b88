/** The sides of a comparison: what the load talks to, and whose CPU is looked at. */

import type { Dialect } from './dialect.js';
import { BenchRedis } from './redis.js';

export interface Measured {
  readonly name: string;
  cpuSeconds(): number;
}

/** Several that count as one. */
export function together(name: string, all: readonly Measured[]): Measured {
  return { name, cpuSeconds: () => all.reduce((sum, one) => sum + one.cpuSeconds(), 0) };
}

export interface Stack {
  readonly side: Side;
  readonly dialect: Dialect;
  /** 0 where the stack has no such server. */
  readonly wsPort: number;
  readonly postPort: number;
  readonly bearer: string;
  readonly processes: readonly Measured[];
  stop(): Promise<void>;
}

export const OTHERS = ['bare', 'nchan', 'nchan-redis', 'socket.io'] as const;
/** Whom ours is compared with: the least program that could do the same, and peers. */
export type Other = (typeof OTHERS)[number];
export type Side = 'ours' | Other;

export function isPeer(side: Side): boolean {
  return side !== 'ours' && side !== 'bare';
}

/** With several edges, whose processes are looked at as one, `edge`. */
export interface Fleet extends Stack {
  readonly wsPorts: readonly number[];
}

interface Stoppable {
  stop(): Promise<void>;
}

/** Stops in the reverse order of starting, also where one of them fails to start. */
export class Stoppables {
  readonly #started: Stoppable[] = [];

  async add<T extends Stoppable>(starting: Promise<T>): Promise<T> {
    try {
      const started = await starting;
      this.#started.push(started);
      return started;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Starts them together; where one fails, the others are stopped too. */
  async addAll<T extends Stoppable>(starting: readonly Promise<T>[]): Promise<T[]> {
    const outcomes = await Promise.allSettled(starting);
    const started = outcomes.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []));
    this.#started.push(...started);
    const failed = outcomes.find((it) => it.status === 'rejected');
    if (failed === undefined) return started;
    await this.stop();
    throw failed.reason;
  }

  async stop(): Promise<void> {
    for (let item = this.#started.pop(); item !== undefined; item = this.#started.pop()) {
      await item.stop();
    }
  }

  redis(): Promise<BenchRedis> {
    return this.add(BenchRedis.start());
  }
}
