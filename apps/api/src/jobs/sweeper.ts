/** Finds dead edges, and has one of the apis take them out of Redis. */

import type { Settings } from '@halley/shared/config';
import type { Counter, Histogram, Logger } from '@halley/shared/ops';
import {
  buryEdge,
  type CommandClient,
  type DeadEdge,
  EDGES_KEY,
  type Grave,
  markGrave,
  type RedisAddress,
  type Scripts,
} from '@halley/shared/redis';
import type { Services } from '../control/services.js';
import { EdgeSweep } from './edge-sweep.js';
import { EdgeWatch } from './edge-watch.js';
import { JobQueue, type NewJob } from './job-queue.js';
import { TIDY_INTERVAL_MS, tidy } from './tidy.js';

/** Dead edges that one pass takes together. */
const BATCH_MAX_EDGES = 100;
/** How often Redis is told again of an edge that is still dead, should it have lost the job. */
const REPEAT_MS = 10_000;
const MS_PER_SECOND = 1_000;
const SWEEP_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** `sweep`: the first pass. `again`: what landed after it, and the end. */
type Stage = 'sweep' | 'again';
type SweepJob = DeadEdge | { readonly round: number };

export class Sweeper {
  readonly #settings: Settings;
  readonly #redis: CommandClient;
  readonly #scripts: Scripts;
  readonly #log: Logger;
  readonly #watch: EdgeWatch;
  readonly #jobs: JobQueue<SweepJob>;
  readonly #sweep: EdgeSweep;
  readonly #swept: Counter;
  readonly #seconds: Histogram;
  /** When an edge was last reported; monotonic ms. */
  readonly #reported = new Map<string, number>();
  #tidyTimer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(services: Services, address: RedisAddress) {
    const { settings, redis, scripts, metrics, log } = services;
    this.#settings = settings;
    this.#redis = redis;
    this.#scripts = scripts;
    this.#log = log;
    const onDead = (dead: readonly DeadEdge[]) => this.#report(dead);
    this.#watch = new EdgeWatch(redis, scripts, settings.sweep.edgeDeadMs, onDead, log);
    this.#sweep = new EdgeSweep(redis, scripts, settings.namespaces, () => this.#isStopped);
    const work = (name: string, data: SweepJob) => this.#work(name, data);
    this.#jobs = new JobQueue({ name: 'sweeps', address, log, work });
    this.#swept = metrics.counter({
      name: 'halley_edges_swept_total',
      help: 'Dead edges that this api has taken out of Redis.',
    });
    this.#seconds = metrics.histogram({
      name: 'halley_sweep_seconds',
      help: 'Time of one pass over presence, members and subscribers.',
      buckets: SWEEP_BUCKETS_SECONDS,
    });
  }

  start(): void {
    this.#watch.start();
    this.#tidyTimer = setInterval(() => this.#addTidy(), TIDY_INTERVAL_MS).unref();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#watch.stop();
    if (this.#tidyTimer !== null) clearInterval(this.#tidyTimer);
    await this.#jobs.stop();
  }

  #report(dead: readonly DeadEdge[]): void {
    const nowMs = performance.now();
    for (const [id, atMs] of this.#reported) {
      if (nowMs - atMs > REPEAT_MS) this.#reported.delete(id);
    }
    const unreported = dead.filter((edge) => !this.#reported.has(jobIdOf('sweep', edge)));
    for (const edge of unreported) this.#reported.set(jobIdOf('sweep', edge), nowMs);
    if (unreported.length === 0) return;
    const edges = unreported.map(({ edgeId }) => edgeId);
    this.#log.warn({ edges }, 'edges are silent for too long: dead');
    this.#add(unreported.map((edge) => jobOf('sweep', edge)));
  }

  #addTidy(): void {
    // Every api says so, and the id is the same within a minute: one of them does it.
    const round = Math.floor(Date.now() / TIDY_INTERVAL_MS);
    this.#add([{ name: 'tidy', id: `tidy-${round}`, data: { round } }]);
  }

  #add(jobs: readonly NewJob<SweepJob>[]): void {
    this.#jobs.add(jobs).catch((error: unknown) => {
      if (!this.#isStopped) this.#log.warn({ err: error }, 'a job could not be added');
    });
  }

  async #work(name: string, data: SweepJob): Promise<void> {
    if ('round' in data) {
      const { lastSeenDays } = this.#settings.sweep;
      const counts = await tidy(this.#redis, this.#scripts, data.round, lastSeenDays);
      this.#log.debug(counts, 'tidied up');
    } else {
      await this.#workOn(name === 'again' ? 'again' : 'sweep', data);
    }
  }

  /** All that wait are swept by one pass; their own jobs then find nothing to do. */
  async #workOn(stage: Stage, own: DeadEdge): Promise<void> {
    const others = stage === 'sweep' ? await this.#jobs.waiting(stage, BATCH_MAX_EDGES) : [];
    const edges = [own, ...others.filter((data): data is DeadEdge => 'beat' in data)];
    const graves = await this.#gravesOf(edges, stage);
    if (graves.length === 0) return;
    const startedMs = performance.now();
    const counts = await this.#sweep.pass(graves);
    const ms = performance.now() - startedMs;
    this.#seconds.observe(ms / MS_PER_SECOND);
    if (stage === 'again') await this.#finish(graves);
    else await this.#passed(graves);
    const edgeIds = graves.map(({ edgeId }) => edgeId);
    this.#log.info({ edges: edgeIds, ...counts, ms: Math.round(ms), stage }, 'dead edges swept');
  }

  /** Those on which this stage has still to be done. */
  async #gravesOf(edges: readonly DeadEdge[], stage: Stage): Promise<Grave[]> {
    const graves = new Map<string, Grave>();
    for (const edge of edges) {
      const { edgeDeadMs } = this.#settings.sweep;
      const grave = await buryEdge(this.#redis, this.#scripts, edge, edgeDeadMs);
      const isDone = grave?.state === 'swept' || (grave?.state === 'passed' && stage === 'sweep');
      if (grave !== null && !isDone) graves.set(grave.edgeId, grave);
    }
    return [...graves.values()];
  }

  async #passed(graves: readonly Grave[]): Promise<void> {
    const { edge, redis, sweep } = this.#settings;
    // The clients have been away for as long as their edge was silent.
    const graceMs = edge.presenceGraceMs - sweep.edgeDeadMs;
    const delayMs = Math.max(redis.timeoutMs, graceMs);
    await this.#jobs.add(graves.map((grave) => ({ ...jobOf('again', grave), delayMs })));
    for (const grave of graves) await markGrave(this.#scripts, grave, 'passed');
  }

  async #finish(graves: readonly Grave[]): Promise<void> {
    await this.#sweep.announce(graves);
    for (const grave of graves) {
      await markGrave(this.#scripts, grave, 'swept');
      await this.#redis.zrem(EDGES_KEY, grave.edgeId);
      this.#swept.inc();
    }
  }
}

function jobOf(stage: Stage, { edgeId, beat }: DeadEdge): NewJob<SweepJob> {
  return { name: stage, id: jobIdOf(stage, { edgeId, beat }), data: { edgeId, beat } };
}

function jobIdOf(stage: Stage, { edgeId, beat }: DeadEdge): string {
  return `${stage}-${edgeId}-${beat}`;
}
