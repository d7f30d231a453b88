/** Publishers who want more than the store can take, and who try again: at once, or when they were told. */

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Exchange, RestClient } from '../kit/rest.js';

const RATE_WINDOW_MS = 500;
const PAGE_BYTES = 4_096;

export interface StormOptions {
  readonly rest: RestClient;
  readonly channel: string;
  /** Half of them never wait. */
  readonly publishers: number;
}

/** What became of the calls. */
export class Storm {
  readonly #options: StormOptions;
  readonly #publishers: Promise<void>[] = [];
  /** Ids of the messages that were accepted, in the order of the answers. */
  readonly accepted: string[] = [];
  readonly #acceptedAtMs: number[] = [];
  refused = 0;
  repeated = 0;
  /** By status and code, what is no 201, 200 or 429. */
  readonly others = new Map<string, number>();
  /** Refusals without a time to come back. */
  hopeless = 0;
  #isOver = false;
  #isAbandoned = false;

  constructor(options: StormOptions) {
    this.#options = options;
  }

  start(): void {
    for (let index = 0; index < this.#options.publishers; index += 1) {
      const publisher = this.#publish(index);
      // Told by `stop`; where that is never reached, another failure is.
      publisher.catch(() => undefined);
      this.#publishers.push(publisher);
    }
  }

  /** Resolves when every message that was begun is accepted. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#publishers);
  }

  /** Accepted messages a second, lately. */
  rate(windowMs = RATE_WINDOW_MS): number {
    const sinceMs = performance.now() - windowMs;
    const count =
      this.#acceptedAtMs.length - this.#acceptedAtMs.findLastIndex((at) => at < sinceMs);
    return Math.round(((count - 1) * 1_000) / windowMs);
  }

  /** Nothing more is tried, whatever was begun. */
  abandon(): void {
    this.#isOver = true;
    this.#isAbandoned = true;
  }

  /** Goes from one message to the next once it is accepted. */
  async #publish(index: number): Promise<void> {
    const isPatient = index % 2 === 0;
    for (let number = 0; !this.#isOver; number += 1) {
      const key = `${index}-${number}`;
      while (!this.#isAbandoned && !(await this.#attempt(key, isPatient)));
    }
  }

  async #attempt(key: string, isPatient: boolean): Promise<boolean> {
    const { rest, channel } = this.#options;
    const answer = await rest.publish(channel, key, { key });
    if (answer.status === 201 || answer.status === 200) {
      if (answer.status === 200) this.repeated += 1;
      this.accepted.push((answer.body as { id: string }).id);
      this.#acceptedAtMs.push(performance.now());
      return true;
    }
    await this.#refused(answer, isPatient);
    return false;
  }

  async #refused(answer: Exchange, isPatient: boolean): Promise<void> {
    const seconds = Number(answer.headers['retry-after']);
    if (!(seconds >= 1)) this.hopeless += 1;
    if (answer.status === 429) this.refused += 1;
    else {
      const kind = `${answer.status} ${(answer.body as { code?: string }).code}`;
      this.others.set(kind, (this.others.get(kind) ?? 0) + 1);
    }
    if (isPatient && !this.#isOver) await pause(seconds * 1_000);
  }
}

/** Memory that a process holds, MB. */
export function rssMb(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Math.round((Number(pages) * PAGE_BYTES) / 1e6);
}
