import type { Logger } from '@halley/shared/ops';
import { type CommandClient, createJobsClient, type RedisAddress } from '@halley/shared/redis';
import { type Job, Queue, Worker } from 'bullmq';

/** One hash tag for all of BullMQ: its scripts touch many keys at once. */
const PREFIX = '{halley:jobs}';
/** How long a finished job is remembered: the same one is not done twice meanwhile. */
const KEEP_SECONDS = 3_600;
/** A day and more of attempts: only what Redis itself refuses makes them fail. */
const ATTEMPTS_MAX = 50_000;
const ATTEMPT_DELAY_MS = 2_000;
/** A Redis without memory fails them for as long as that lasts. */
const LOG_EVERY_ATTEMPTS = 30;
/** After which the job of an api that died is somebody else's. */
const LOCK_MS = 6_000;
const STALLED_CHECK_MS = 2_000;
const STALLED_MAX = 1_000;
const RECONNECT_DELAY_MS = 1_000;
const BLOCK_SECONDS = 2;
/** How long a stop waits for the job that runs. */
const STOP_DEADLINE_MS = 2_000;

export interface NewJob<Data> {
  readonly name: string;
  /** Unique for what is to be done once in the fleet. No `:`. */
  readonly id: string;
  readonly data: Data;
  readonly delayMs?: number;
}

export interface JobQueueOptions<Data> {
  /** No `:`. */
  readonly name: string;
  readonly address: RedisAddress;
  readonly log: Logger;
  /** Does a job; one that throws is tried again. One job at a time runs in the whole fleet. */
  work(name: string, data: Data): Promise<void>;
}

/**
 * Jobs that are done by any one of the apis. While Redis is away nothing here fails or ends, it waits; and
 * nobody who serves requests waits for it.
 */
export class JobQueue<Data> {
  readonly #redis: CommandClient;
  readonly #queue: Queue;
  readonly #worker: Worker;

  constructor({ name, address, log, work }: JobQueueOptions<Data>) {
    this.#redis = createJobsClient(address);
    const quiet = (error: unknown) => log.debug({ err: error }, 'jobs');
    this.#redis.on('error', quiet);
    const shared = { connection: this.#redis, prefix: PREFIX, skipVersionCheck: true };
    this.#queue = new Queue(name, shared);
    this.#worker = new Worker(name, (job: Job) => work(job.name, job.data as Data), {
      ...shared,
      autorun: false,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: STALLED_MAX,
      runRetryDelay: RECONNECT_DELAY_MS,
      drainDelay: BLOCK_SECONDS,
    });
    this.#queue.on('error', quiet);
    this.#worker.on('error', quiet);
    this.#worker.on('failed', (job, error) => {
      if ((job?.attemptsMade ?? 1) % LOG_EVERY_ATTEMPTS !== 1) return;
      log.warn({ err: error, job: job?.id }, 'a job failed and is tried again');
    });
  }

  start(): void {
    this.#worker.run().catch(() => undefined); // Told by `error`.
  }

  /** Resolves when Redis has the jobs, which it may have already. */
  async add(jobs: readonly NewJob<Data>[]): Promise<void> {
    // Said each time: a Redis that lost its data has lost it too.
    await this.#queue.setGlobalConcurrency(1);
    const bulk = jobs.map(({ name, id, data, delayMs }) => ({
      name,
      data,
      opts: {
        jobId: id,
        attempts: ATTEMPTS_MAX,
        backoff: { type: 'fixed', delay: ATTEMPT_DELAY_MS },
        removeOnComplete: { age: KEEP_SECONDS },
        removeOnFail: true,
        stackTraceLimit: 1,
        ...(delayMs !== undefined && { delay: delayMs }),
      },
    }));
    await this.#queue.addBulk(bulk);
  }

  /** What else of this name waits: its turn, or to be tried again. @param max the most to read */
  async waiting(name: string, max: number): Promise<Data[]> {
    const jobs = await this.#queue.getJobs(['waiting', 'delayed'], 0, max - 1);
    return jobs.flatMap((job) => (job?.name === name ? [job.data as Data] : []));
  }

  /** Resolves within two seconds: what runs then is done by another api. */
  async stop(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_DEADLINE_MS);
    });
    await Promise.race([this.#worker.close().catch(() => undefined), deadline]);
    clearTimeout(timer);
    this.#redis.disconnect();
  }
}
