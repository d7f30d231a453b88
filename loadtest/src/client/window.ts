/** The measured part of a run: counts at its two ends, and the exact quantiles of durations. */

import type { Window } from '../harness/load.js';
import type { Poster } from './poster.js';
import type { Sockets } from './sockets.js';

export class Durations {
  readonly #us: number[] = [];

  add(ns: bigint): void {
    this.#us.push(Number(ns / 1_000n));
  }

  get count(): number {
    return this.#us.length;
  }

  /** Smallest duration that at least `share` of all stay within, in us; -1 if there are none. */
  quantileUs(share: number): number {
    const sorted = Float64Array.from(this.#us).sort();
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? -1;
  }
}

export class OpenWindow {
  readonly openedNs = process.hrtime.bigint();
  readonly answers = new Durations();
  readonly #cpu = process.cpuUsage();
  readonly #before: Counts;
  readonly #now: () => Counts;

  constructor(poster: Poster, sockets: Sockets | null) {
    this.#now = () => countsOf(poster, sockets);
    this.#before = this.#now();
  }

  close(): Window {
    const now = this.#now();
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      seconds: Number(process.hrtime.bigint() - this.openedNs) / 1e9,
      cpuSeconds: (user + system) / 1e6,
      posts: now.answered - this.#before.answered,
      deliveries: now.messages - this.#before.messages,
      deliveryBytes: now.bytes - this.#before.bytes,
      reads: now.reads - this.#before.reads,
      answerP50Us: this.answers.quantileUs(0.5),
      answerP99Us: this.answers.quantileUs(0.99),
    };
  }
}

interface Counts {
  readonly answered: number;
  readonly messages: number;
  readonly bytes: number;
  readonly reads: number;
}

function countsOf(poster: Poster, sockets: Sockets | null): Counts {
  const received = sockets?.counts ?? { messages: 0, bytes: 0, reads: 0 };
  return { answered: poster.counts.answered, ...received };
}
