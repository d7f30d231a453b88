/** What the phases share: the fleet, the clients, what was sent to them, and the time that is left. */

import { setTimeout as pause } from 'node:timers/promises';
import { NativeCrowd, type NativeCrowdStatus } from '../harness/native-crowd.js';
import type { Program } from '../harness/program.js';
import { monotonicMs } from '../sdk/clock.js';
import type { MillionFleet } from './fleet.js';
import { yieldToServers } from './priority.js';
import { randomNumbers, Sender } from './sender.js';
import type { MillionSettings } from './settings.js';
import { type Totals, totalsOf } from './totals.js';

export const CHANNEL = 'crowd:all';
/** Each look costs a client process a walk over its connections. */
const LOOK_INTERVAL_MS = 100;

interface Range {
  /** Index of the edge on which they begin. */
  readonly edge: number;
  readonly first: number;
  readonly count: number;
}

export class Run {
  readonly settings: MillionSettings;
  readonly fleet: MillionFleet;
  /** In the order of the edges on which their clients begin. */
  readonly crowds: NativeCrowd[] = [];
  readonly sender: Sender;
  /** Times from sending to receipt, us, since a phase emptied it. */
  privateUs: number[] = [];
  /** Numbers of the clients that the ramp connected; each entry one process. */
  connected: readonly Range[] = [];
  readonly #signal: AbortSignal;
  readonly #beganMs = monotonicMs();

  /** @param signal ends the run */
  constructor(settings: MillionSettings, fleet: MillionFleet, signal: AbortSignal) {
    this.settings = settings;
    this.fleet = fleet;
    this.sender = new Sender(fleet.api.port);
    this.#signal = signal;
  }

  get seconds(): number {
    return (monotonicMs() - this.#beganMs) / 1_000;
  }

  /** Progress, for somebody who waits. */
  say(text: string): void {
    console.log(`[${this.seconds.toFixed(0).padStart(5)} s] ${text}`);
  }

  /** @throws Error if the run is to end */
  check(): void {
    this.#signal.throwIfAborted();
  }

  /** As many clients, at most all of them, chosen at random. */
  someClients(count: number): number[] {
    const size = this.connected.reduce((sum, range) => sum + range.count, 0);
    return randomNumbers(count, size).map((at) => this.#clientAt(at));
  }

  /** The clients of an edge, none of them connected yet. */
  async addCrowd(index: number): Promise<NativeCrowd> {
    const { wire, perEdge, connections } = this.settings;
    const first = index * perEdge;
    const count = Math.min(perEdge, connections - first);
    const crowd = await NativeCrowd.start({ wire, index, first, count, channels: [CHANNEL] });
    yieldToServers(crowd);
    this.crowds[index] = crowd;
    return crowd;
  }

  edge(index: number): Program {
    const edge = this.fleet.edges[index % this.fleet.edges.length];
    if (edge === undefined) throw new Error('there is no edge');
    return edge;
  }

  async look(): Promise<Totals> {
    const number = this.sender.number;
    return this.#sum(await Promise.all(this.#started().map((crowd) => crowd.status(number))));
  }

  async lookAt(crowd: NativeCrowd): Promise<Totals> {
    return this.#sum([await crowd.status(this.sender.number)]);
  }

  /** @throws Error with what was seen last, if it takes too long */
  async until(
    what: string,
    deadlineMs: number,
    isDone: (totals: Totals) => boolean,
    look: () => Promise<Totals> = () => this.look(),
  ): Promise<Totals> {
    const endMs = monotonicMs() + deadlineMs;
    for (;;) {
      const totals = await look();
      if (isDone(totals)) return totals;
      this.check();
      if (monotonicMs() > endMs) {
        throw new Error(`not within ${deadlineMs / 1_000} s: ${what}: ${JSON.stringify(totals)}`);
      }
      await pause(LOOK_INTERVAL_MS);
    }
  }

  /** All that is connected has seen the last message to all, and every private one has come. */
  settled(deadlineMs: number): Promise<Totals> {
    return this.until('all messages have come', deadlineMs, (totals) => this.isSettled(totals));
  }

  isSettled({ through, ready, privates }: Totals): boolean {
    return through === ready && privates >= this.sender.privates;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started().map((crowd) => crowd.stop()));
    await this.fleet.stop();
  }

  #sum(statuses: readonly NativeCrowdStatus[]): Totals {
    for (const { privateUs } of statuses) this.privateUs.push(...privateUs);
    return totalsOf(statuses);
  }

  #clientAt(at: number): number {
    let left = at;
    for (const { first, count } of this.connected) {
      if (left < count) return first + left;
      left -= count;
    }
    throw new Error(`there is no client ${at}`);
  }

  /** Those of edges that are being filled may be missing. */
  #started(): NativeCrowd[] {
    return this.crowds.filter((crowd) => crowd !== undefined);
  }
}
