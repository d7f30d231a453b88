import type { Logger } from '@halley/shared/ops';
import { type CommandClient, createJobsClient, type RedisAddress } from '@halley/shared/redis';
import type { Job, Queue, Worker } from 'bullmq';

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

interface Parts {
  readonly redis: CommandClient;
  readonly queue: Queue;
  readonly worker: Worker;
}

/**
 * Jobs that are done by any one of the apis. While Redis is away nothing here fails or ends, it waits; and
 * nobody who serves requests waits for it. BullMQ is loaded, and works, from the first `add` on: loading it
 * takes as long as the rest of an api's start.
 */
export class JobQueue<Data> {
  readonly #options: JobQueueOptions<Data>;
  #parts: Promise<Parts> | null = null;

  constructor(options: JobQueueOptions<Data>) {
    this.#options = options;
  }

  /** Resolves when Redis has the jobs, which it may have already. */
  async add(jobs: readonly NewJob<Data>[]): Promise<void> {
    this.#parts ??= this.#open();
    const { queue } = await this.#parts;
    // Said each time: a Redis that lost its data has lost it too.
    await queue.setGlobalConcurrency(1);
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
    await queue.addBulk(bulk);
  }

  /** What else of this name waits: its turn, or to be tried again. @param max the most to read */
  async waiting(name: string, max: number): Promise<Data[]> {
    const parts = await this.#parts;
    const jobs = (await parts?.queue.getJobs(['waiting', 'delayed'], 0, max - 1)) ?? [];
    return jobs.flatMap((job) => (job?.name === name ? [job.data as Data] : []));
  }

  /** Resolves within two seconds: what runs then is done by another api. */
  async stop(): Promise<void> {
    const parts = await this.#parts;
    if (parts === null) return;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_DEADLINE_MS);
    });
    await Promise.race([parts.worker.close().catch(() => undefined), deadline]);
    clearTimeout(timer);
    parts.redis.disconnect();
  }

  async #open(): Promise<Parts> {
    const { name, address, log, work } = this.#options;
    const { Queue, Worker } = await import('bullmq');
    const redis = createJobsClient(address);
    const quiet = (error: unknown) => log.debug({ err: error }, 'jobs');
    redis.on('error', quiet);
    const shared = { connection: redis, prefix: PREFIX, skipVersionCheck: true };
    const queue = new Queue(name, shared);
    const worker = new Worker(name, (job: Job) => work(job.name, job.data as Data), {
      ...shared,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: STALLED_MAX,
      runRetryDelay: RECONNECT_DELAY_MS,
      drainDelay: BLOCK_SECONDS,
    });
    queue.on('error', quiet);
    worker.on('error', quiet);
    worker.on('failed', (job, error) => {
      if ((job?.attemptsMade ?? 1) % LOG_EVERY_ATTEMPTS !== 1) return;
      log.warn({ err: error, job: job?.id }, 'a job failed and is tried again');
    });
    return { redis, queue, worker };
  }
}
