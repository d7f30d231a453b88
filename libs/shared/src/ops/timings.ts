import type { MetricValueWithName, Registry } from 'prom-client';

/** One line of labels of a histogram. */
export class TimingSeries {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds upper ones of the buckets, ascending, without the last, infinite one */
  constructor(labels: Readonly<Record<string, string | number>>, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && seconds > (this.#bounds[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
  }

  /** As Prometheus has them: each bucket counts those below it too. */
  values(name: string): MetricValueWithName<string>[] {
    let total = 0;
    const buckets = this.#counts.map((count, index) => {
      total += count;
      const le = this.#bounds[index] ?? '+Inf';
      return { metricName: `${name}_bucket`, labels: { le, ...this.labels }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: this.labels, value: this.#sum },
      { metricName: `${name}_count`, labels: this.labels, value: total },
    ];
  }
}

/** A histogram of times; prom-client's own sorts and joins the labels again at each observation. */
export class Timings {
  readonly #bounds: readonly number[];
  readonly #series: TimingSeries[] = [];

  constructor(
    registry: Registry,
    { name, help, buckets }: { name: string; help: string; buckets: readonly number[] },
  ) {
    this.#bounds = buckets;
    const get = async () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: this.#series.flatMap((series) => series.values(name)),
    });
    // All that a registry asks of a metric.
    registry.registerMetric({ name, get, reset() {} } as unknown as Parameters<
      Registry['registerMetric']
    >[0]);
  }

  /** To be kept: each call makes another one. */
  series(labels: Readonly<Record<string, string | number>>): TimingSeries {
    const series = new TimingSeries(labels, this.#bounds);
    this.#series.push(series);
    return series;
  }
}
