import type { Heartbeat } from '@halley/shared/redis';
import type { Edge } from '../core/edge.js';
import type { Overload } from '../core/overload.js';
import type { Sweep } from '../core/sweep.js';
import type { EdgeCounters } from './counters.js';

type Load = Pick<
  Heartbeat,
  | 'connections'
  | 'channels'
  | 'deliveredPerSecond'
  | 'bytesPerSecond'
  | 'backpressureBytes'
  | 'loopDelayP99Ms'
  | 'rssBytes'
  | 'cpu'
  | 'overloaded'
>;

/** How busy this edge is, since it was asked last: at each heartbeat. */
export class LoadMeter {
  readonly #edge: Edge;
  readonly #counters: EdgeCounters;
  readonly #overload: Overload;
  readonly #sweep: Sweep;
  #atMs = performance.now();
  #cpu = process.cpuUsage();
  #messages = 0;
  #bytes = 0;

  constructor(edge: Edge, counters: EdgeCounters, overload: Overload, sweep: Sweep) {
    this.#edge = edge;
    this.#overload = overload;
    this.#sweep = sweep;
    this.#counters = counters;
  }

  take(): Load {
    const nowMs = performance.now();
    const seconds = Math.max(0.001, (nowMs - this.#atMs) / 1_000);
    const cpu = process.cpuUsage(this.#cpu);
    const backpressureBytes = this.#sweep.bytesWaiting;
    const lagMs = this.#counters.loopDelay.takeP99Ms();
    this.#overload.note(lagMs, backpressureBytes);
    const load = {
      overloaded: this.#overload.isOverloaded,
      connections: this.#connectionsByWire(),
      channels: this.#edge.channels.size,
      deliveredPerSecond: Math.round((this.#counters.deliveredMessages - this.#messages) / seconds),
      bytesPerSecond: Math.round((this.#counters.deliveredBytes - this.#bytes) / seconds),
      backpressureBytes,
      loopDelayP99Ms: Math.round(lagMs * 100) / 100,
      rssBytes: process.memoryUsage.rss(),
      cpu: Math.round(((cpu.user + cpu.system) / 1e6 / seconds) * 1_000) / 1_000,
    };
    this.#atMs = nowMs;
    this.#cpu = process.cpuUsage();
    this.#messages = this.#counters.deliveredMessages;
    this.#bytes = this.#counters.deliveredBytes;
    return load;
  }

  #connectionsByWire(): Record<string, number> {
    const byWire: Record<string, number> = {};
    for (const { wire } of this.#edge.sessions) byWire[wire.name] = (byWire[wire.name] ?? 0) + 1;
    return byWire;
  }
}
