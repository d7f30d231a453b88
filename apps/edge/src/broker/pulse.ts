import {
  type CommandClient,
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TTL_MS,
  removeHeartbeat,
  writeHeartbeat,
} from '@halley/shared/redis';
import type { EdgeIdentity } from './edge-identity.js';

/** What an edge measures of itself. */
export interface Meter {
  take(): Omit<
    Parameters<typeof writeHeartbeat>[1],
    'edgeId' | 'url' | 'adminUrl' | 'startedAt' | 'version' | 'draining'
  >;
}

export interface PulseOptions {
  readonly url: string;
  readonly adminUrl: string;
  readonly version: string;
  isDraining(): boolean;
  /** A sweeper has declared this edge dead. */
  onBuried(): void;
  /** Redis has lost what it held of this edge. */
  onForgotten(): void;
}

/** The heartbeat. */
export class Pulse {
  readonly #redis: CommandClient;
  readonly #meter: Meter;
  readonly #identity: EdgeIdentity;
  readonly #options: PulseOptions;
  readonly #startedAt = Date.now();
  #timer: NodeJS.Timeout | null = null;
  /** Under which id the last beat went through. */
  #knownId: string | null = null;
  /** When that beat was sent, unix ms. */
  #knownMs = 0;

  constructor(redis: CommandClient, meter: Meter, identity: EdgeIdentity, options: PulseOptions) {
    this.#redis = redis;
    this.#meter = meter;
    this.#identity = identity;
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#beat();
    this.#timer = setInterval(() => {
      // A beat that is lost is made good by the next one, 8 s before anybody misses it.
      this.#beat().catch(() => undefined);
    }, HEARTBEAT_INTERVAL_MS).unref();
  }

  /** An edge that leaves says so. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await removeHeartbeat(this.#redis, this.#identity.id);
  }

  async #beat(): Promise<void> {
    const { url, adminUrl, version } = this.#options;
    const edgeId = this.#identity.id;
    const sentMs = Date.now();
    const { isBuried, isNew, isUnlisted } = await writeHeartbeat(this.#redis, {
      edgeId,
      url,
      adminUrl,
      startedAt: this.#startedAt,
      version,
      draining: this.#options.isDraining(),
      ...this.#meter.take(),
    });
    // An earlier beat, answered at the same time, has told of it already.
    if (edgeId !== this.#identity.id) return;
    // An edge that stood still for long has let its heartbeat expire, and nothing else.
    const isInTime = Date.now() - this.#knownMs < HEARTBEAT_TTL_MS;
    const isForgotten = edgeId === this.#knownId && (isUnlisted || (isNew && isInTime));
    this.#knownId = edgeId;
    this.#knownMs = sentMs;
    if (isBuried) this.#options.onBuried();
    else if (isForgotten) this.#options.onForgotten();
  }
}
