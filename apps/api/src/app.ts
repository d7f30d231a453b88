/** Puts the api together, and takes it apart again. */

import { ApiKeys } from '@halley/shared/auth';
import { pendingLimitsOf, type Settings } from '@halley/shared/config';
import {
  inTime,
  type Logger,
  Metrics,
  randomBase36,
  type TimingSeries,
  VERSION,
} from '@halley/shared/ops';
import { Publisher } from '@halley/shared/publish';
import {
  type CommandClient,
  createCommandClient,
  parseRedisUrl,
  Scripts,
  whenReady,
} from '@halley/shared/redis';
import { IcometAdmin } from './compat/icomet/admin.js';
import { MegacometManager } from './compat/megacomet/manager.js';
import { EdgeControl } from './control/edge-control.js';
import { WatchedFleet } from './control/fleet-load.js';
import { KeyRates } from './control/key-rates.js';
import { checkRedisSettings } from './control/redis-settings.js';
import type { Services } from './control/services.js';
import { BodyBudget } from './http/body-budget.js';
import { Callers } from './http/callers.js';
import { HttpServer } from './http/server.js';
import { Sweeper } from './jobs/sweeper.js';
import { allRoutes } from './routes/index.js';

/** How long requests under way may take once the api was told to stop. */
const STOP_DEADLINE_MS = 5_000;
/** How long a start waits for Redis; without it the api serves refusals until Redis is there. */
const REDIS_WAIT_MS = 5_000;
const MS_PER_SECOND = 1_000;
const REQUEST_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

export class ApiApp {
  readonly #settings: Settings;
  readonly #log: Logger;
  readonly #redis: CommandClient;
  readonly #edges: EdgeControl;
  readonly #fleet: WatchedFleet;
  readonly #server: HttpServer;
  readonly #icomet: IcometAdmin | null;
  readonly #megacomet: MegacometManager | null;
  readonly #sweeper: Sweeper;

  constructor(settings: Settings, redisUrl: string, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    const address = parseRedisUrl(redisUrl, settings.redis.ca);
    this.#redis = createCommandClient(address, settings.redis.timeoutMs);
    // Calls report what becomes of them; this only keeps ioredis from printing.
    this.#redis.on('error', (error) => log.debug({ err: error }, 'redis connection'));
    const scripts = new Scripts(this.#redis);
    this.#edges = new EdgeControl(address, this.#redis, scripts, settings.redis.timeoutMs);
    this.#fleet = new WatchedFleet(this.#redis);
    const services: Services = {
      settings,
      redis: this.#redis,
      scripts,
      publisher: new Publisher(this.#redis, scripts, settings.queue, {
        pending: pendingLimitsOf(settings),
        load: this.#fleet,
      }),
      edges: this.#edges,
      metrics: new Metrics(),
      log,
    };
    this.#icomet = settings.icomet.bare ? new IcometAdmin(services, address) : null;
    this.#server = createServer(services, this.#icomet);
    this.#megacomet = settings.api.megacometManagerPort > 0 ? new MegacometManager(services) : null;
    this.#sweeper = new Sweeper(services, address);
  }

  /** @returns the port. @throws Error when a port is taken */
  async start(): Promise<number> {
    const { host, api } = this.#settings;
    const port = await this.#server.listen(host, api.port).catch((error: Error) => {
      throw new Error(`HALLEY_API_PORT: ${error.message}`);
    });
    await this.#megacomet?.listen(host, api.megacometManagerPort).catch((error: Error) => {
      throw new Error(`HALLEY_MEGACOMET_MANAGER_PORT: ${error.message}`);
    });
    this.#sweeper.start();
    const edgesHeard = this.#edges.start();
    this.#fleet.start();
    if (!(await inTime(Promise.all([edgesHeard, whenReady(this.#redis)]), REDIS_WAIT_MS))) {
      this.#log.warn('redis is away; calls are refused until it is there');
    }
    void this.#checkRedis();
    return port;
  }

  async stop(): Promise<void> {
    this.#icomet?.stop();
    await Promise.all([
      this.#server.stop(STOP_DEADLINE_MS),
      this.#megacomet?.stop(STOP_DEADLINE_MS),
      this.#sweeper.stop(),
    ]);
    this.#edges.stop();
    this.#fleet.stop();
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  async #checkRedis(): Promise<void> {
    await whenReady(this.#redis);
    for (const warning of await checkRedisSettings(this.#redis)) this.#log.warn(warning);
  }
}

function createServer(services: Services, icomet: IcometAdmin | null): HttpServer {
  const { settings, scripts, publisher, metrics, log } = services;
  metrics.collectProcess();
  const requests = metrics.timings({
    name: 'halley_api_request_seconds',
    help: 'Time from the first byte of a request to its answer.',
    buckets: REQUEST_BUCKETS_SECONDS,
  });
  metrics.gauge({
    name: 'halley_api_pending_messages',
    help: 'Messages that wait for the store',
    collect() {
      this.set(publisher.pendingMessages);
    },
  });
  // Unique in the fleet without drawing anything per request.
  const prefix = `${randomBase36(8)}-`;
  let count = 0;
  const observed = new Map<string, Map<number, TimingSeries>>();
  const seriesOf = (route: string, status: number) => {
    const series = requests.series({ route, status });
    observed.set(route, (observed.get(route) ?? new Map()).set(status, series));
    return series;
  };
  const options = {
    callers: new Callers(new ApiKeys(settings.apiKeys)),
    rates: new KeyRates(scripts, settings.limits.apiKeyMessagesPerSecond),
    bodyMaxBytes: settings.api.bodyMaxBytes,
    tls: settings.tls,
    bodies: new BodyBudget(settings.limits.bodiesBytes),
    log,
    nextRequestId() {
      count += 1;
      return prefix + count.toString(36);
    },
    observe(route: string, status: number, durationMs: number) {
      const series = observed.get(route)?.get(status) ?? seriesOf(route, status);
      series.observe(durationMs / MS_PER_SECOND);
    },
  };
  return new HttpServer(allRoutes(services, VERSION), options, icomet);
}
