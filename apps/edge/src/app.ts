import { Revocations } from '@halley/shared/auth';
import type { Settings } from '@halley/shared/config';
import { createLogger, inTime, VERSION } from '@halley/shared/ops';
import {
  createCommandClient,
  edgeChannels,
  Probe,
  parseRedisUrl,
  Scripts,
  ShardSubscriber,
  whenReady,
} from '@halley/shared/redis';
import { openDoors } from './assembly/doors.js';
import { backendsOf, servicesOf } from './assembly/services.js';
import { ControlHandler } from './broker/control.js';
import { EdgeIdentity } from './broker/edge-identity.js';
import { Pulse } from './broker/pulse.js';
import { RevocationFeed } from './broker/revocation-feed.js';
import { type Inbox, route } from './broker/router.js';
import { Upkeep } from './broker/upkeep.js';
import { overloadLimitsOf } from './config.js';
import { drain } from './core/drain.js';
import { Edge } from './core/edge.js';
import { Followers, JoinedFanout } from './core/followers.js';
import { Overload } from './core/overload.js';
import { Sweep } from './core/sweep.js';
import { EdgeCounters } from './observe/counters.js';
import { registerGauges } from './observe/gauges.js';
import { LoadMeter } from './observe/load.js';
import { listenForDoors } from './transport/door-ports.js';
import { TopicFanout } from './transport/fanout.js';
import { serveHealth } from './transport/health.js';
import { listen } from './transport/listener.js';
import { createApp, serveNotFound, servePage } from './transport/pages.js';
import type { TemplatedApp } from './transport/uws.js';

/** How long Redis may take over the goodbye of an edge. After it a sweeper cleans up. */
const LET_GO_MS = 5_000;

export interface RunningEdge {
  readonly port: number;
  readonly adminPort: number;
  /**
   * Drains, takes everything of this edge out of Redis, and resolves when all is closed.
   * @param drainMs how long the clients have; by default as the settings say
   */
  stop(drainMs?: number): Promise<void>;
}

/** Puts an edge together and starts it. This and assembly/ are the places that see every part. */
export async function startEdge(settings: Settings): Promise<RunningEdge> {
  const log = createLogger({ level: settings.logLevel, name: 'edge' });
  for (const warning of settings.warnings) log.warn(warning);
  if (settings.redisUrl === undefined) throw new Error('REDIS_URL is missing');
  const address = parseRedisUrl(settings.redisUrl, settings.redis.ca);
  const redis = createCommandClient(address, settings.redis.timeoutMs);
  redis.on('error', (error: unknown) => log.debug({ err: error }, 'Redis'));
  // An edge that has never reached Redis serves nobody.
  await whenReady(redis);

  const counters = new EdgeCounters(log);
  const identity = new EdgeIdentity();
  const scripts = new Scripts(redis);
  const revocations = new Revocations();
  const app = createApp(settings.tls);
  const followers = new Followers();
  const subscriber = new ShardSubscriber(
    address,
    redis,
    {
      onMessage: (channel, payload) => route(inbox, channel, payload),
      onRestored: (channels) => void upkeep.restored(channels),
      onLost: () => counters.subscriberLost(),
    },
    settings.redis.timeoutMs,
  );
  const backends = backendsOf(settings, log);
  const overload = new Overload(overloadLimitsOf(settings));
  const services = servicesOf(settings, {
    redis,
    scripts,
    subscriber,
    identity,
    revocations,
    counters,
    backends,
    overload,
    fanout: new JoinedFanout([new TopicFanout(app), followers]),
  });
  const edge = new Edge(services);
  const feed = new RevocationFeed(redis, revocations, () => {
    edge.enforceRevocations();
    edge.enforceBans();
  });
  const probe = new Probe(redis, scripts, subscriber, () => edgeChannels(identity.id));
  const control = new ControlHandler(redis, edge, revocations, identity, counters);
  const inbox = inboxOf(edge, control, probe);
  const upkeep = new Upkeep(redis, subscriber, edge, feed, identity, log);

  await subscriber.start();
  await upkeep.start();
  await feed.start(settings.token.revokedReloadMs);
  probe.start();

  const isReady = () =>
    !edge.isDraining &&
    !overload.isOverloaded &&
    redis.status === 'ready' &&
    subscriber.isReady &&
    probe.isProved;
  const doors = openDoors(app, settings, { edge, followers, redis, scripts });
  serveHealth(app, isReady);
  serveNotFound(app);
  registerGauges(edge, counters, overload);
  const { host } = settings;
  const admin = adminApp(counters, isReady);
  const adminPort = await listen(admin, host, settings.edge.adminPort, 'HALLEY_EDGE_ADMIN_PORT');
  const port = await listen(app, host, settings.edge.port, 'HALLEY_EDGE_PORT');
  const doorPorts = await listenForDoors(host, doors.ports, settings.tls);
  const sweep = new Sweep(edge);
  const load = new LoadMeter(edge, counters, overload, sweep);
  const pulse = new Pulse(redis, load, identity, {
    url: settings.edge.publicUrl ?? addressOf(settings, port.port, doors.path),
    adminUrl: `http://${host}:${adminPort.port}`,
    version: VERSION,
    isDraining: () => edge.isDraining,
    onBuried: () => void upkeep.buried(),
    onForgotten: () => upkeep.forgotten(),
  });
  await pulse.start();
  const stops = [sweep.start(), edge.channels.startHousekeeping(), doors.start()];
  log.info({ port: port.port, adminPort: adminPort.port, edgeId: identity.id }, 'edge is up');

  return {
    port: port.port,
    adminPort: adminPort.port,
    async stop(drainMs = settings.edge.drainSeconds * 1_000) {
      await drain(edge, {
        graceMs: Math.min(settings.edge.drainGraceMs, drainMs),
        windowMs: drainMs,
        stopListening() {
          for (const one of [port, ...doorPorts]) one.close();
        },
      });
      for (const stop of stops) stop();
      upkeep.stop();
      // An edge that takes its heartbeat with it is never swept: only where nothing is left.
      const isOut = await inTime(
        upkeep.letGo().then(() => pulse.stop()),
        LET_GO_MS,
      ).catch((error: unknown) => {
        log.debug({ err: error }, 'Redis');
        return false;
      });
      if (!isOut) log.warn('Redis may still hold something of this edge; it will be swept');
      probe.stop();
      feed.stop();
      subscriber.stop();
      adminPort.close();
      backends?.close();
      counters.loopDelay.stop();
      redis.disconnect();
    },
  };
}

function inboxOf(edge: Edge, control: ControlHandler, probe: Probe): Inbox {
  return {
    channelMessage: (channel, message) => edge.channels.onLive(channel, message),
    channelEvent: (channel, frame) => edge.services.fanout.relay(channel, frame),
    channelCleared: (channel) => edge.channels.get(channel)?.forget(),
    privateMessage: (clientId, message) => edge.clients.onPrivate(clientId, message),
    control: (message) => control.handle(message),
    probe: (nonce) => probe.answered(nonce),
  };
}

/** Where clients reach this edge, unless the operator knows better. */
function addressOf({ tls, host }: Settings, port: number, path: string): string {
  return `${tls === undefined ? 'ws' : 'wss'}://${host}:${port}${path}`;
}

/** An address of this process alone: a scrape of the shared port hits any edge of the machine. */
function adminApp({ metrics }: EdgeCounters, isReady: () => boolean): TemplatedApp {
  const app = createApp();
  serveHealth(app, isReady);
  servePage(app, '/metrics', async () => ({
    status: 200,
    type: metrics.contentType,
    body: await metrics.expose(),
  }));
  serveNotFound(app);
  return app;
}
