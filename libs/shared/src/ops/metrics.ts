import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  Registry,
} from 'prom-client';

import { Timings } from './timings.js';

export type { Counter, Gauge, Histogram } from 'prom-client';

type Own<Configuration> = Omit<Configuration, 'registers'>;

/**
 * The metrics of one process. Each holds its own registry: prom-client's module-wide one would mix
 * two instances in one process, as tests run them.
 */
export class Metrics {
  readonly registry = new Registry();

  /** Adds the `process_*` and `nodejs_*` metrics, under the names that dashboards know. */
  collectProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<Label extends string>(options: Own<CounterConfiguration<Label>>): Counter<Label> {
    return new Counter<Label>({ ...options, registers: [this.registry] });
  }

  /** With a `collect` function the value is read at the scrape and costs nothing in between. */
  gauge<Label extends string>(options: Own<GaugeConfiguration<Label>>): Gauge<Label> {
    return new Gauge<Label>({ ...options, registers: [this.registry] });
  }

  histogram<Label extends string>(options: Own<HistogramConfiguration<Label>>): Histogram<Label> {
    return new Histogram<Label>({ ...options, registers: [this.registry] });
  }

  timings(options: { name: string; help: string; buckets: readonly number[] }): Timings {
    return new Timings(this.registry, options);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The exposition text of a `/metrics` answer. */
  expose(): Promise<string> {
    return this.registry.metrics();
  }
}
